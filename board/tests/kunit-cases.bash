#!/bin/bash
# SPDX-License-Identifier: MIT
# kunit-cases.bash: the GPU that was a part of nouveau had KUnit suites. Is each of their cases in
# tests/kunit-cases, and is each test that the table names one of the board's? Without the history of
# the project the table is compared with the tests only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
suites=drivers/gpu/drm/nouveau/sim/tests
table=kunit-cases
bad=0

complain()
{
	printf 'error: %s\n       %s\n' "$1" "$2"
	bad=1
}

# The last commit that had them.
history=$(git log -n 1 --diff-filter=D --format=%H^ -- ":/$suites/ce_kunit.c" 2>/dev/null) || history=
# cases_of SUITE: the names of its KUnit cases.
cases_of()
{
	git show "$history:$suites/$1_kunit.c" |
		sed -n 's/^\tKUNIT_CASE[A-Z_]*(\([a-z0-9_]*\)).*/\1/p'
}

lines() { sed 's/#.*//; /^[[:space:]]*$/d' "$table"; }

if [ -n "$history" ]; then
	cases=0
	while read -r suite; do
		while read -r case; do
			cases=$((cases + 1))
			lines | grep -Eq "^${suite}[[:space:]]+${case}[[:space:]]" ||
				complain "tests/$table has no home for KUnit case $suite $case" \
					"add a line: $suite $case PROGRAM TEST"
		done < <(cases_of "$suite")
	done < <(git ls-tree --name-only --full-tree "$history" "$suites/" | sed -n 's|.*/\([a-z]*\)_kunit\.c$|\1|p')
	while read -r suite case _; do
		cases_of "$suite" | grep -qx "$case" ||
			complain "tests/$table names a KUnit case that there was not: $suite $case" \
				"take the line out, or correct it"
	done < <(lines)
else
	cases=$(lines | cut -f1 | sort -u | wc -l)
fi
homes=0
while read -r suite case program name rest; do
	homes=$((homes + 1))
	if [ -z "$name" ] || [ -n "$rest" ]; then
		complain "tests/$table: a line is not SUITE CASE PROGRAM TEST: $suite $case" "correct it"
	elif ! grep -Eqs "^[[:space:]]*([A-Z_]+|cmocka_unit_test[a-z_]*)\(${name}[,)]" "$program.c"; then
		complain "tests/$table: $program has no test $name, home of $suite $case" \
			"add it to tests/$program.c, or name another"
	fi
done < <(lines)
[ "$bad" = 0 ] || exit 1
echo "$cases cases of KUnit suites have a home among the unit tests ($homes lines)"
