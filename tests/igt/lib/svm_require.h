/* SPDX-License-Identifier: MIT */
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
/* Skips unless an environment variable is 1; what the test does: "takes ...". */
void require_asked_for(const char *variable, const char *what);
/* That for tests which unbind the device: there are kernels that crash of it. */
void require_unbind(void);
#endif
