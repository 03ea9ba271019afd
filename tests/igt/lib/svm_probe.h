/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_PROBE_H
#define SVM_PROBE_H
/*
 * Does a new client get its page faults served? The client is a child with a limit, since it gets
 * stuck if the driver is. It also tells of the device, for tests that must not be clients
 * themselves, or they would get stuck.
 */
#include <stdbool.h>
#include <stdint.h>

struct svm_probe {
	char backend[32];
	char why[256];		/* if it failed: what is wrong */
	bool migrates, has_oracle;
	uint64_t stale;		/* see svm_gpu_stale() */
	char device[256];	/* its folder in sysfs; "" where the back end hides it */
};

/* 0; -ENODEV: there is no device; -ETIME: it is stuck, see the report; or another -errno. */
int svm_probe(struct svm_probe *probe, unsigned int ms);
#endif
