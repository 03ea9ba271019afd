# shellcheck shell=bash
# Shared by the tools: where things are, how they speak, how they fail.
# SPDX-License-Identifier: GPL-2.0

set -euo pipefail
shopt -s inherit_errexit

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Tests of the tools work on a build folder of their own.
BUILD=${UNDO_BUILD:-$TOP/build}
# shellcheck disable=SC2034	# used by the tools
LOGS=$BUILD/log
export LC_ALL=C
# Compilers of tools/compiler, where the machine has none.
PATH=$PATH:$BUILD/cache/bin

# No answer to be waited for from tools that would ask.
export GIT_TERMINAL_PROMPT=0 DEBIAN_FRONTEND=noninteractive
# A tree that is half removed is not to be taken for a part of the project's own. And
# a look at a user's tree does not write there.
export GIT_CEILING_DIRECTORIES=$BUILD GIT_OPTIONAL_LOCKS=0

say() { printf '%s\n' "$*"; }
note() { printf 'note: %s\n' "$*" >&2; }

# die CAUSE REMEDY: the only way a tool gives up by itself.
die()
{
	printf 'error: %s\n' "$1" >&2
	[ $# -lt 2 ] || printf '       %s\n' "$2" >&2
	exit 1
}

elapsed() { printf '%dm%02ds' $((($1) / 60)) $((($1) % 60)); }

# The names of the bases, newest first.
bases()
{
	local f
	for f in "$TOP"/bases/*.conf; do
		f=${f##*/}
		printf '%s\n' "${f%.conf}"
	done | sort -rV
}

newest_base() { bases | sed -n 1p; }

# load_base NAME: set the variables of bases/NAME.conf.
# shellcheck disable=SC2034	# used by those who load
load_base()
{
	[ -f "$TOP/bases/$1.conf" ] ||
		die "unknown base '$1'" "bases are: $(bases | paste -sd' ')"
	base=$1
	optional='' by_directory='' mutants='' cc_suite=''
	# shellcheck source=bases/7.3.conf
	. "$TOP/bases/$1.conf"
	work=$BUILD/$base
	# The same words everywhere: to make, others are another compiler.
	compiler=$cc
	! command -v ccache >/dev/null || compiler="ccache $cc"
}

# Built of each base: `stock` and `patched`, which differ by the series, and where it is asked
# for `base`, the base without anything of this project.
# check_variant VARIANT [base]: it is one of the first two; or of all three, for tools that
# need nothing of patches/.
check_variant()
{
	case $1:${2:-} in
	stock:* | patched:* | base:base) ;;
	*) die "unknown variant '$1'" "variants are: stock patched${2:+ $2}" ;;
	esac
}

# What configs/ has for kernel files that come from patches/.
# shellcheck disable=SC2034	# used by tools/config
own_fragments="undo"

# need FRAGMENT WHAT: the base that was loaded is built with configs/FRAGMENT.config.
need()
{
	[[ " $fragments " = *" $1 "* ]] || die "$base has no $2" \
		"there is one for: $(grep -lw "fragments=.*$1" "$TOP"/bases/*.conf | sed 's|.*/||; s|\.conf||' | paste -sd' ')"
}

# A guest for tests/igt: words for its board, which has memory for small pages and for huge ones,
# and page tables that do not trap; memory of the machine, in MiB; words for the kernel.
# shellcheck disable=SC2034	# used by those that boot one
igt_board="--vram 1024 --bar2 mapped" igt_memory=2048 igt_words="numa=fake=2"

# What a healthy kernel does not print.
# shellcheck disable=SC2034	# used by those that read a console
findings='WARNING:|BUG:|BUG [^ ]+ \(|Oops|Kernel panic|general protection fault|INFO: task .* blocked for more than|INFO: lockdep is turned off|INFO: trying to register non-static key|rcu.*(detected|self-detected).* stall|scheduling while atomic|sleeping function called|soft lockup|hard LOCKUP|workqueue lockup|suspicious RCU usage|bad unlock balance|possible (circular|recursive|irq lock inversion)|KASAN:|UBSAN:|refcount_t:|list_(add|del) corruption|Unable to mount root'

# Two runs in one build folder would take each other's trees apart.
# lock NAME: hold build/NAME.lock until this process ends.
lock()
{
	mkdir -p "$BUILD"
	exec 9>"$BUILD/$1.lock"
	flock -n 9 || {
		note "waiting for another run to be done with $1"
		flock -w 3600 9 || die "another run has been at $1 for an hour" "end it: fuser $BUILD/$1.lock"
	}
}

# What make check leaves for the bases that Debian has (15.2 GiB), with room for more logs.
NEED_GIB=17

check_disk()
{
	local free used
	mkdir -p "$BUILD"
	free=$(df -Pk "$BUILD" | awk 'NR == 2 { print int($4 / 1048576) }')
	[ "$free" -lt "${UNDO_NEED_GIB:-$NEED_GIB}" ] || return 0
	# What is there already need not be written again.
	used=$(du -sk "$BUILD" | awk '{ print int($1 / 1048576) }')
	# But something always is.
	if [ "$free" -ge 2 ] && [ $((free + used)) -ge "${UNDO_NEED_GIB:-$NEED_GIB}" ]; then
		return 0
	fi
	die "$free GiB free at $BUILD, ${UNDO_NEED_GIB:-$NEED_GIB} GiB are needed (it uses $used)" \
		    "free some, or set UNDO_BUILD to a folder on a larger disk"
}

# The last lines of a log, where a reader looks after a failure; not those of progress().
show_log()
{
	printf '%s\n' "--- the last lines of $1:" >&2
	sed '/: working, [0-9]*m[0-9]*s/d' "$1" | tail -n "${2:-25}" | sed 's/^/    /' >&2
}

# progress PID LOG TITLE [COUNT-COMMAND]: say every so often how far a logged
# command is, until it ends. COUNT-COMMAND prints "n of m" or the like.
progress()
{
	local pid=$1 log=$2 title=$3 count=${4:-} start=$SECONDS step=20 n=0 what
	[ -t 1 ] && step=2
	# The limit on this loop is the command's own end.
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		n=$((n + 1))
		[ $((n % (step * 5))) = 0 ] || continue
		what=$(tail -n 1 "$log" | tr -d '\r' | cut -c1-60)
		if [ -t 1 ]; then
			printf '\r\033[K  %s: %s, %s  %s' "$title" \
			       "$($count)" "$(elapsed $((SECONDS - start)))" "$what"
		else
			printf '  %s: %s, %s  %s\n' "$title" \
			       "$($count)" "$(elapsed $((SECONDS - start)))" "$what"
		fi
	done
	[ ! -t 1 ] || printf '\r\033[K'
}

no_count() { printf 'working'; }

# kill_group PID: end a process group that was started here. It may have ended by itself.
kill_group() { kill -- "-$1" 2>/dev/null || :; }

# background COMMAND...: start it as $pid, in a process group of its own, so that
# Ctrl-C ends all of it. Followed by finish, which leaves its exit status in $rc.
background()
{
	set -m
	"$@" </dev/null 9>&- &
	pid=$!
	set +m
	# How an interrupted command ends is of no interest.
	trap 'kill_group "$pid"; wait "$pid" || :; exit 130' INT TERM
}

finish()
{
	rc=0
	wait "$pid" || rc=$?
	trap - INT TERM
}

# logged LOG TITLE [--count COMMAND] COMMAND...: print a command, run it with its
# output in LOG, show progress, and on failure the end of the log.
logged()
{
	local log=$1 title=$2 count=no_count start=$SECONDS rc pid
	shift 2
	if [ "$1" = --count ]; then
		count=$2
		shift 2
	fi
	mkdir -p "$(dirname "$log")"
	say "+ $*"
	printf '+ %s\n' "$*" >"$log"
	background "$@" >>"$log" 2>&1
	progress "$pid" "$log" "$title" "$count"
	finish
	if [ "$rc" != 0 ]; then
		printf 'error: %s failed (exit status %d) after %s\n' "$title" \
		       "$rc" "$(elapsed $((SECONDS - start)))" >&2
		show_log "$log"
		return "$rc"
	fi
	say "  $title: done in $(elapsed $((SECONDS - start)))"
}
