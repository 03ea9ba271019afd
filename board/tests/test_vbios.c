// SPDX-License-Identifier: MIT
/*
 * The VBIOS, read as a driver reads it: PCI Firmware Specification (header, PCIR, checksum),
 * BIOS-Information-Table.html and DCB-4.x-Specification.html of open-gpu-doc.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "../vbios.h"

static uint8_t bios[VBIOS_SIZE];

static int setup(void **state)
{
	(void)state;
	memset(bios, 0xee, sizeof(bios));
	vbios_make(bios, 0x10de, 0x15f8);
	return 0;
}

static uint32_t get16(uint32_t at)
{
	assert_true(at + 2 <= VBIOS_SIZE);
	return bios[at] | bios[at + 1] << 8;
}

static uint32_t get32(uint32_t at)
{
	return get16(at) | get16(at + 2) << 16;
}

static void image(void **state)
{
	uint8_t sum = 0;
	uint32_t pcir;

	(void)state;
	assert_int_equal(get16(0), 0xaa55);
	/* In units of 512 bytes. */
	assert_int_equal(bios[2] * 512, VBIOS_SIZE);
	for (unsigned int i = 0; i < bios[2] * 512u; i++)
		sum += bios[i];
	assert_int_equal(sum, 0);
	assert_int_equal(vbios_sum(bios), 0);
	bios[100]++;
	assert_int_equal(vbios_sum(bios), 1);
	bios[100]--;
	pcir = get16(0x18);
	assert_memory_equal(bios + pcir, "PCIR", 4);
	assert_int_equal(get16(pcir + 4), 0x10de);
	assert_int_equal(get16(pcir + 6), 0x15f8);
	assert_int_equal(get16(pcir + 10), 0x18);
	assert_int_equal(bios[pcir + 15], 3);			/* a display controller */
	assert_int_equal(get16(pcir + 16) * 512, VBIOS_SIZE);
	assert_int_equal(bios[pcir + 20], 0);			/* for x86 */
	assert_int_equal(bios[pcir + 21] & 0x80, 0x80);		/* the last image */
}

/* The offset of a BIT entry's data. */
static uint32_t bit(char id, uint8_t version, uint16_t length)
{
	static const uint8_t signature[] = { 0xff, 0xb8, 'B', 'I', 'T', 0 };
	uint32_t at, entry;

	for (at = 0; at < VBIOS_SIZE - 12; at++)
		if (!memcmp(bios + at, signature, sizeof(signature)))
			break;
	assert_true(at < VBIOS_SIZE - 12);
	for (int i = 0; i < bios[at + 10]; i++) {
		entry = at + bios[at + 8] + i * bios[at + 9];
		if (bios[entry] != id)
			continue;
		assert_int_equal(bios[entry + 1], version);
		assert_true(get16(entry + 2) >= length);
		assert_true(get16(entry + 4) + get16(entry + 2) <= VBIOS_SIZE);
		return get16(entry + 4);
	}
	fail_msg("no entry '%c'", id);
	return 0;
}

static void tables(void **state)
{
	uint32_t version, table, rammap, dcb;

	(void)state;
	/* 86 is GP100's. */
	version = bit('i', 2, 5);
	assert_int_equal(bios[version + 3], 0x86);
	/* Init scripts: what nouveau reads of them has 0x1c bytes. */
	bit('I', 1, 0x1c);
	/* The PMU's applications: one of type 4, DEVINIT. */
	table = get32(bit('p', 2, 4));
	assert_int_equal(bios[table], 1);
	assert_int_equal(bios[table + 3], 1);
	assert_true(bios[table + 2] >= 6);
	assert_int_equal(bios[table + bios[table + 1]], 4);
	/* Memory clocks: version 0x10 or 0x11, a header of 0x15 bytes or more, no scripts. */
	rammap = get32(bit('P', 2, 8) + 4);
	assert_int_equal(bios[rammap], 0x11);
	assert_true(bios[rammap + 1] >= 0x15);
	assert_int_equal(bios[rammap + 5], 0);
	assert_int_equal(bios[rammap + 0x14], 0);
	/* The DCB: version 4.0, its signature, no entries. */
	dcb = get16(0x36);
	assert_int_equal(bios[dcb], 0x40);
	assert_int_equal(bios[dcb + 2], 0);
	assert_int_equal(get32(dcb + 6), 0x4edcbdcb);
}

static void another_device(void **state)
{
	(void)state;
	vbios_make(bios, 0x1234, 0x5678);
	assert_int_equal(vbios_sum(bios), 0);
	assert_int_equal(get16(get16(0x18) + 6), 0x5678);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(image, setup),
		cmocka_unit_test_setup(tables, setup),
		cmocka_unit_test_setup(another_device, setup),
	};

	return cmocka_run_group_tests_name("vbios", tests, NULL, NULL);
}
