# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# shellcheck disable=SC2154	# base is set by load_base
# Reads patches/series.<base>. A line is one of
#
#   [fix] heading		the patches that follow are in the patched kernel only
#   [vehicle] heading		the patches that follow are in both kernels
#   NAME.patch FILE...		a patch, and the overlay files its commit adds
#   # comment
#
# NAME.patch is patches/<base>/NAME.patch if there is one, an adaptation, or
# patches/common/NAME.patch. The order is that of the mailed series.

# Tests of the tools bring their own patches.
SERIES_TOP=${UNDO_SERIES_TOP:-$TOP}

# series VARIANT: the "NAME.patch FILE..." lines that make up a variant.
series()
{
	[ "$1" != base ] || return 0
	local file=$SERIES_TOP/patches/series.$base
	[ -f "$file" ] || die "no $file" "a base needs a series, an empty one will do"
	awk -v variant="$1" -v file="$file" '
		/^#/ || NF == 0 { next }
		/^\[vehicle\]/ { take = 1; seen = 1; next }
		/^\[fix\]/ { take = variant == "patched"; seen = 1; next }
		/^\[/ || !seen || $1 !~ /\.patch$/ {
			print "error: " file ":" FNR ": neither a [fix] or [vehicle] heading nor a patch under one: " $0 > "/dev/stderr"
			exit 1
		}
		take' "$file"
}

# patch_file NAME: where that patch is for this base, or its cover-letter.
patch_file()
{
	local f
	for f in "$SERIES_TOP/patches/$base/$1" "$SERIES_TOP/patches/common/$1"; do
		[ -f "$f" ] || continue
		printf '%s\n' "$f"
		return
	done
	die "$1 is in patches/series.$base, but neither in patches/$base/ nor in patches/common/" \
	    "add the patch, or take the line out"
}

# inputs: a sum over all that the trees are prepared from.
inputs()
{
	local lines name overlay f
	lines=$(series patched)
	{
		cat "$SERIES_TOP/patches/series.$base"
		while read -r name overlay; do
			[ -n "$name" ] || continue
			f=$(patch_file "$name")
			cat "$f"
			for f in $overlay; do
				[ ! -f "$SERIES_TOP/$f" ] || cat "$SERIES_TOP/$f"
			done
		done <<<"$lines"
	} | sha256sum
}
