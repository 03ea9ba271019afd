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

/* Skip if transparent_hugepage/enabled is never. */
void require_thp(void);
/* Skip if the kernel has no fuse. */
void require_fuse(void);
#endif
