/* SPDX-License-Identifier: MIT */
#ifndef FAULT_H
#define FAULT_H
/* What is known of an access that failed, and how a fault buffer's entry and 0x280c say it. */
#include "vmm.h"

struct fault {
	uint64_t inst;		/* address of the channel's instance block */
	uint64_t va;
	enum access_type type;
	enum fault_reason reason;
	uint8_t engine;		/* whose access: an ID of dev_fault.h (gp100), see fault.c */
	uint8_t client;		/* and which of its units */
};

/* MMU engines, and clients of the hub. */
enum { FAULT_ENGINE_BAR1 = 0x04, FAULT_ENGINE_BAR2 = 0x05, FAULT_ENGINE_HOST = 0x06,
       FAULT_ENGINE_CE = 0x15 };
enum { FAULT_CLIENT_CE0 = 0x01, FAULT_CLIENT_HOST = 0x06, FAULT_CLIENT_HOST_CPU = 0x07,
       FAULT_CLIENT_GR_CE = 0x18 };

#define FAULT_ENTRY_WORDS	8
#define FAULT_ENTRY_SIZE	(FAULT_ENTRY_WORDS * 4)

/* The 8 words of an entry; INFO, the last, with VALID. */
void fault_entry(const struct fault *fault, uint64_t time, uint32_t word[FAULT_ENTRY_WORDS]);
uint32_t fault_info(const struct fault *fault);
#endif
