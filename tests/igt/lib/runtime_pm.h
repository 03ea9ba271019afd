/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef RUNTIME_PM_H
#define RUNTIME_PM_H
/*
 * The device is suspended by its driver when nobody has used it for a while. IGT's
 * igt_setup_runtime_pm() and igt_wait_for_pm_status() do the same and give up after ten seconds;
 * all of a GPU's memory may have to be saved first. One device in a process.
 */
struct svm_gpu;

/*
 * Skip where the driver does not suspend the device. What is changed of it is put back when the
 * process ends.
 */
void require_runtime_pm(struct svm_gpu *gpu);
/* Have it suspended, and wait until it is. It sleeps until it is used. Asserts. */
void runtime_pm_sleep(void);
#endif
