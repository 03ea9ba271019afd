#!/bin/bash
# SPDX-License-Identifier: MIT
# kunit-cases.bash: is every case of the KUnit suites in tests/kunit-cases, and is each test that the
# table names one of the board's? When the suites are gone the table is compared with the tests only.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
suites=../../drivers/gpu/drm/nouveau/sim/tests
table=kunit-cases
bad=0

complain()
{
	printf 'error: %s\n       %s\n' "$1" "$2"
	bad=1
}

# cases_of FILE...: the names of their KUnit cases.
cases_of() { sed -n 's/^\tKUNIT_CASE[A-Z_]*(\([a-z0-9_]*\)).*/\1/p' "$@"; }

lines() { sed 's/#.*//; /^[[:space:]]*$/d' "$table"; }

if [ -d "$suites" ]; then
	cases=$(cases_of "$suites"/*_kunit.c | wc -l)
	for file in "$suites"/*_kunit.c; do
		suite=${file##*/} suite=${suite%_kunit.c}
		while read -r case; do
			lines | grep -Eq "^${suite}[[:space:]]+${case}[[:space:]]" ||
				complain "tests/$table has no home for KUnit case $suite $case" \
					"add a line: $suite $case PROGRAM TEST"
		done < <(cases_of "$file")
	done
	while read -r suite case _; do
		grep -Eqs "^[[:space:]]*KUNIT_CASE[A-Z_]*\($case\)" "$suites/${suite}_kunit.c" ||
			complain "tests/$table names a KUnit case that is not there: $suite $case" \
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
