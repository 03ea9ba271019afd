/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef USER_H
#define USER_H
/* A client with a queue, for tests that have the device access memory. These functions assert. */
#include <stddef.h>
#include <stdint.h>

struct svm_gpu;
struct svm_queue;

struct user {
	struct svm_gpu *gpu;
	struct svm_queue *queue;
	uint64_t stale;		/* accesses to what mm had freed, when it began */
};

void user_begin(struct user *user);
/* Another queue. The one before is closed by the caller. */
void user_open_queue(struct user *user);
/* No access may have been to what mm had freed. */
void user_end(struct user *user);

/* A copy by the device, waited for. 0 or -errno, as svm_wait_queue(). */
int user_copy(struct user *user, void *dst, const void *src, size_t n);
/*
 * The device reads what the CPU has written, and the CPU what the device has written. kind names
 * the memory. Its contents are lost.
 */
void user_check(struct user *user, void *buf, size_t n, const char *kind);
/* The device sees this. */
void user_check_sees(struct user *user, const void *buf, const void *want, size_t n,
		     const char *kind);

/* Zeroed memory. */
void *user_pages(size_t n);
#endif
