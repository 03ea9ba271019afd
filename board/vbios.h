/* SPDX-License-Identifier: MIT */
#ifndef VBIOS_H
#define VBIOS_H
/* A VBIOS with what a driver cannot do without, and nothing of anybody's. */
#include <stdint.h>

#define VBIOS_SIZE	0x1000

void vbios_make(uint8_t bios[VBIOS_SIZE], uint16_t vendor, uint16_t device);
/* The sum of its bytes modulo 256; of a good one 0. */
uint8_t vbios_sum(const uint8_t bios[VBIOS_SIZE]);
#endif
