/* SPDX-License-Identifier: MIT */
#ifndef FIRMWARE_H
#define FIRMWARE_H
/*
 * Firmware files with headers and no code, for /lib/firmware/nvidia/gp100: with them nouveau
 * finds a graphics engine, without which it gives programs no channels.
 */

/* 0; or -1, having said why. */
int firmware_make(const char *dir);
#endif
