// SPDX-License-Identifier: MIT
/*
 * One PCI expansion ROM image with a valid checksum. The BIT has the entries without which
 * nouveau gives up a GP100: 'i' (version), 'I' (init scripts: none), 'p' (the PMU's applications:
 * DEVINIT, which is not run since 0x02240c says that it has), 'P' (memory clocks: an empty
 * table). The DCB has no connector and no output: kernels before 6.2 want to see one.
 *
 * Sources: PCI Firmware Specification (header, PCIR); BIOS-Information-Table.html and
 * DCB-4.x-Specification.html of open-gpu-doc.
 */
#include <string.h>

#include "vbios.h"

/* Where things lie; only PCIR (0x18) and the DCB (0x36) have a pointer of their own. */
enum { AT_PCIR = 0x40, AT_BIT = 0x100, AT_VERSION = 0x200, AT_INIT = 0x210, AT_PMU = 0x240,
       AT_PMU_APPS = 0x250, AT_PMU_IMAGE = 0x280, AT_PERF = 0x300, AT_RAMMAP = 0x340,
       AT_DCB = 0x380 };

#define BIT_HEADER	12
#define BIT_ENTRY	6
#define PMU_APP_DEVINIT	4
#define DCB_SIGNATURE	0x4edcbdcb

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = value;
	at[1] = value >> 8;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

static void bit_entry(uint8_t *bios, char id, uint8_t version, uint16_t length, uint16_t offset)
{
	uint8_t *bit = bios + AT_BIT, *entry = bit + BIT_HEADER + bit[10]++ * BIT_ENTRY;

	entry[0] = id;
	entry[1] = version;
	put16(entry + 2, length);
	put16(entry + 4, offset);
}

uint8_t vbios_sum(const uint8_t bios[VBIOS_SIZE])
{
	uint8_t sum = 0;

	for (unsigned int i = 0; i < VBIOS_SIZE; i++)
		sum += bios[i];
	return sum;
}

void vbios_make(uint8_t bios[VBIOS_SIZE], uint16_t vendor, uint16_t device)
{
	memset(bios, 0, VBIOS_SIZE);
	put16(bios, 0xaa55);
	bios[2] = VBIOS_SIZE / 512;
	put16(bios + 0x18, AT_PCIR);
	put16(bios + 0x36, AT_DCB);

	memcpy(bios + AT_PCIR, "PCIR", 4);
	put16(bios + AT_PCIR + 4, vendor);
	put16(bios + AT_PCIR + 6, device);
	put16(bios + AT_PCIR + 10, 0x18);		/* its length */
	bios[AT_PCIR + 15] = 3;				/* a display controller */
	put16(bios + AT_PCIR + 16, VBIOS_SIZE / 512);
	bios[AT_PCIR + 21] = 0x80;			/* the last image */

	memcpy(bios + AT_BIT, "\xff\xb8" "BIT\0", 6);
	bios[AT_BIT + 8] = BIT_HEADER;
	bios[AT_BIT + 9] = BIT_ENTRY;
	bit_entry(bios, 'i', 2, 16, AT_VERSION);
	memcpy(bios + AT_VERSION, "\x01\x00\x00\x86\x00", 5);	/* 86.00.00.01.00 */
	bit_entry(bios, 'I', 1, 0x1c, AT_INIT);

	bit_entry(bios, 'p', 2, 4, AT_PMU);
	put32(bios + AT_PMU, AT_PMU_APPS);
	bios[AT_PMU_APPS] = 1;				/* version, header, entry, entries */
	bios[AT_PMU_APPS + 1] = 4;
	bios[AT_PMU_APPS + 2] = 6;
	bios[AT_PMU_APPS + 3] = 1;
	bios[AT_PMU_APPS + 4] = PMU_APP_DEVINIT;
	put32(bios + AT_PMU_APPS + 6, AT_PMU_IMAGE);

	bit_entry(bios, 'P', 2, 0x20, AT_PERF);
	put32(bios + AT_PERF + 4, AT_RAMMAP);
	bios[AT_RAMMAP] = 0x11;				/* version and header, no entries */
	bios[AT_RAMMAP + 1] = 0x20;

	bios[AT_DCB] = 0x40;				/* version and header, no entries */
	bios[AT_DCB + 1] = 0x1b;
	bios[AT_DCB + 3] = 8;
	put32(bios + AT_DCB + 6, DCB_SIGNATURE);

	bios[VBIOS_SIZE - 1] = -vbios_sum(bios);
}
