// SPDX-License-Identifier: MIT
/* Cached translations: what finds them, what drops them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../tlb.h"

static struct tlb tlb;

static struct vmm_page page(uint64_t addr, uint8_t shift)
{
	return (struct vmm_page) { .addr = addr, .shift = shift };
}

static int setup(void **state)
{
	(void)state;
	tlb_init(&tlb);
	tlb_resize(&tlb, 4);
	return 0;
}

static void find(void **state)
{
	const struct vmm_page small = page(0x1000, 12), big = page(0x20000, 16),
			      huge = page(0x400000, 21);

	(void)state;
	assert_null(tlb_find(&tlb, 0x1000, 0));
	assert_non_null(tlb_add(&tlb, 0x1000, 0x5abc, &small));
	assert_non_null(tlb_add(&tlb, 0x1000, 0x3abcd, &big));
	assert_non_null(tlb_add(&tlb, 0x1000, 0x212345, &huge));
	/* The whole page, and nothing beside it. */
	assert_true(tlb_find(&tlb, 0x1000, 0x5000)->page.addr == 0x1000);
	assert_true(tlb_find(&tlb, 0x1000, 0x5fff)->page.addr == 0x1000);
	assert_null(tlb_find(&tlb, 0x1000, 0x4fff));
	assert_null(tlb_find(&tlb, 0x1000, 0x6000));
	assert_true(tlb_find(&tlb, 0x1000, 0x30000)->page.addr == 0x20000);
	assert_true(tlb_find(&tlb, 0x1000, 0x3ffff)->page.addr == 0x20000);
	assert_null(tlb_find(&tlb, 0x1000, 0x2ffff));
	assert_null(tlb_find(&tlb, 0x1000, 0x40000));
	assert_true(tlb_find(&tlb, 0x1000, 0x200000)->page.addr == 0x400000);
	assert_true(tlb_find(&tlb, 0x1000, 0x3fffff)->page.addr == 0x400000);
	assert_null(tlb_find(&tlb, 0x1000, 0x400000));
	/* Another address space has none of them. */
	assert_null(tlb_find(&tlb, 0x2000, 0x5000));
}

static void oldest_gives_way(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 6; i++) {
		const struct vmm_page p = page(i << 12, 12);

		tlb_add(&tlb, 0x1000, i << 12, &p);
	}
	assert_null(tlb_find(&tlb, 0x1000, 0x0000));
	assert_null(tlb_find(&tlb, 0x1000, 0x1000));
	for (uint64_t i = 2; i < 6; i++)
		assert_non_null(tlb_find(&tlb, 0x1000, i << 12));
}

static void flush(void **state)
{
	const struct vmm_page p = page(0x1000, 12);

	(void)state;
	tlb_add(&tlb, 0x1000, 0x5000, &p);
	tlb_add(&tlb, 0x2000, 0x5000, &p);
	tlb_flush(&tlb, 0x3000);
	assert_non_null(tlb_find(&tlb, 0x1000, 0x5000));
	tlb_flush(&tlb, 0x1000);
	assert_null(tlb_find(&tlb, 0x1000, 0x5000));
	assert_non_null(tlb_find(&tlb, 0x2000, 0x5000));
	tlb_flush_all(&tlb);
	assert_null(tlb_find(&tlb, 0x2000, 0x5000));
}

static void size(void **state)
{
	const struct vmm_page p = page(0x1000, 12);

	(void)state;
	/* Without entries nothing is cached. */
	tlb_resize(&tlb, 0);
	assert_null(tlb_add(&tlb, 0x1000, 0x5000, &p));
	assert_null(tlb_find(&tlb, 0x1000, 0x5000));
	/* A smaller size, and a larger one: what lay beyond does not come back. */
	tlb_resize(&tlb, 2);
	tlb_add(&tlb, 0x1000, 0x5000, &p);
	tlb_add(&tlb, 0x1000, 0x6000, &p);
	tlb_resize(&tlb, 1);
	assert_null(tlb_find(&tlb, 0x1000, 0x5000));
	tlb_resize(&tlb, 2);
	assert_null(tlb_find(&tlb, 0x1000, 0x6000));
	/* Not more than there are. */
	tlb_resize(&tlb, TLB_MAX + 1);
	for (uint64_t i = 0; i <= TLB_MAX; i++)
		assert_non_null(tlb_add(&tlb, 0x1000, i << 12, &p));
	assert_null(tlb_find(&tlb, 0x1000, 0));
	assert_non_null(tlb_find(&tlb, 0x1000, 0x1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(find, setup),
		cmocka_unit_test_setup(oldest_gives_way, setup),
		cmocka_unit_test_setup(flush, setup),
		cmocka_unit_test_setup(size, setup),
	};

	return cmocka_run_group_tests_name("tlb", tests, NULL, NULL);
}
