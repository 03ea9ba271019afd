/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef WRITE_FILE_H
#define WRITE_FILE_H
/*
 * Write to a file that is there, or read it, in one piece, as those in /proc and /sys want it.
 * igt_sysfs_set() and igt_sysfs_get() do not say why they could not.
 */
#include <stddef.h>

/* 0 or -errno. */
int write_file(const char *path, const void *data, size_t n);
/* The same of a string. */
int write_text(const char *path, const char *text);
/* What a file has, as far as there is room, without the end of the last line. 0 or -errno. */
int read_text(const char *path, char *text, size_t size);
#endif
