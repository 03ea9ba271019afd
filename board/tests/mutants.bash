#!/bin/bash
# SPDX-License-Identifier: MIT
# mutants.bash: plant each fault of tests/mutants in a copy of its file, build the test program that
# it names with it, and see the test that it names fail. For make -C board mutants, which has built
# the programs without faults and says in COMPILE how.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
table=tests/mutants
built=build/asan
work=build/mutants
limit=120	# seconds; a fault may make a test hang

# one NUMBER: try a line of the table. Says what is wrong, and nothing if all is right.
one()
{
	local file program test expression dir log rc=0
	read -r file program test expression < <(sed -n "$1p" "$table")
	dir=$work/$1
	log=$dir/log
	mkdir -p "$dir/pri"
	# A file includes those beside it.
	cp ./*.h "$dir"
	cp pri/*.h "$dir/pri"
	sed "$expression" "$file" >"$dir/$file"
	if cmp -s "$file" "$dir/$file"; then
		echo "error: $table line $1: the expression does not change $file: $expression"
		return 1
	fi
	# shellcheck disable=SC2086	# words
	if ! $COMPILE -w -c -o "$dir/mutant.o" "$dir/$file" 2>"$log" ||
	   ! $COMPILE -Wl,--wrap=clock_gettime -o "$dir/$program" "$built/tests/$program.o" \
		"$built/tests/rig.o" "$dir/mutant.o" "$built/units.a" $LIBS 2>>"$log"; then
		echo "error: $table line $1: $file cannot be built with $expression"
		cat "$log"
		return 1
	fi
	ASAN_OPTIONS=detect_leaks=0 timeout "$limit" "$dir/$program" >"$log" 2>&1 </dev/null || rc=$?
	if [ "$rc" != 0 ] && { grep -aq "^\[  FAILED  \] $test\$" "$log" ||
	     # The sanitizers end the program within a test.
	     [ "$(grep -a '^\[ RUN' "$log" | tail -n 1)" = "[ RUN      ] $test" ]; }; then
		rm -r "$dir"
		return 0
	fi
	echo "error: $program $test does not fail though $file has the fault $expression"
	echo "       ($table line $1; what it said: $log)"
	return 1
}

if [ "${1:-}" = one ]; then
	one "$2"
	exit
fi

[ -n "${COMPILE:-}" ] || {
	echo "error: tests/mutants.bash is started by make" >&2
	echo "       make -C board mutants" >&2
	exit 2
}
rm -rf "$work"
mapfile -t lines < <(grep -nv '^[[:space:]]*\(#\|$\)' "$table" | cut -d: -f1)
rc=0
printf '%s\n' "${lines[@]}" | xargs -n 1 -P "$(nproc)" tests/mutants.bash one || rc=$?
if [ "$rc" != 0 ]; then
	echo "error: not all of ${#lines[@]} planted faults were found"
	exit 1
fi
echo "${#lines[@]} planted faults, each found by the test that is named for it"
