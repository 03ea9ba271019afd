/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_REQUIRE_H
#define SVM_REQUIRE_H
struct svm_gpu;

/*
 * A client, for a fixture that looks what there is: skips without a device, and asserts that
 * one that is there opens. Closed by the caller.
 */
struct svm_gpu *svm_require_gpu(void);

/* Skips if nobody gets huge pages, asked for or not. */
void require_thp(void);
/* Skips if the kernel has no fuse. */
void require_fuse(void);
#endif
