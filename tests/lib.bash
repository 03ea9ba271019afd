# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Shared by the tests of the tools: each plants a fault and wants it named.

set -euo pipefail
shopt -s inherit_errexit
# shellcheck disable=SC2034	# used by the tests
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT

fail()
{
	printf 'FAIL: %s\n' "$1" >&2
	exit 1
}

# fails_with TEXT COMMAND...: COMMAND must fail and say TEXT (an extended regular
# expression), so that a reader learns the cause.
fails_with()
{
	local text=$1 rc=0
	shift
	"$@" >"$T/out" 2>&1 || rc=$?
	sed 's/^/    /' "$T/out"
	[ "$rc" != 0 ] || fail "'$*' succeeded, '$text' was expected"
	grep -qE "$text" "$T/out" || fail "'$*' did not say '$text'"
	printf 'ok: failed with status %d, and said: %s\n' "$rc" "$text"
}

succeeds()
{
	"$@" >"$T/out" 2>&1 || {
		sed 's/^/    /' "$T/out"
		fail "'$*' failed"
	}
	sed 's/^/    /' "$T/out"
}

says() { grep -qE "$1" "$T/out" || fail "'$1' was not said"; }

# fake_kernel DIR VERSION: what passes for a kernel tree with the tools, and is small.
fake_kernel()
{
	local v=$2.0.0
	mkdir -p "$1/mm"
	{
		printf 'VERSION = %s\n' "${v%%.*}"
		v=${v#*.}
		printf 'PATCHLEVEL = %s\n' "${v%%.*}"
		v=${v#*.}
		printf 'SUBLEVEL = %s\n' "${v%%.*}"
	} >"$1/Makefile"
	seq 1 30 >"$1/mm/numbers"
}

# A series of one patch that turns line 15 of mm/numbers into "fifteen".
fake_series()
{
	mkdir -p "$T/series/patches/common"
	printf '[fix] numbers\nnumbers.patch\n' >"$T/series/patches/series.7.3"
	cat >"$T/series/patches/common/numbers.patch" <<-'END'
	From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
	From: A Tester <tester@localhost>
	Date: Sun, 1 Nov 2026 12:00:00 +0000
	Subject: [PATCH] numbers

	A number in a word.

	diff --git a/mm/numbers b/mm/numbers
	--- a/mm/numbers
	+++ b/mm/numbers
	@@ -12,7 +12,7 @@
	 12
	 13
	 14
	-15
	+fifteen
	 16
	 17
	 18
	END
	export UNDO_SERIES_TOP=$T/series
}

# What the caller has set for the real trees is not for these.
unset "${!LINUX_SRC_@}" UNDO_OFFLINE UNDO_FRAGMENT UNDO_QEMU
# shellcheck disable=SC2034	# where the built kernels are, for tests/guest
REAL_BUILD=${UNDO_BUILD:-$TOP/build}
export UNDO_BUILD=$T/build UNDO_NEED_GIB=1
