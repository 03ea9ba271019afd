/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef SVM_OPTIONS_H
#define SVM_OPTIONS_H
/*
 * What all of these programs take on the command line, beside what IGT does. A program begins with
 *
 *	int igt_main_args("", svm_long_options, svm_help, svm_option, NULL)
 */
#include <getopt.h>
#include <stdbool.h>

enum { SVM_MOST_KILLS = 1000 };

struct svm_options {
	bool unbind;		/* the device may be unbound */
	bool global_oom;	/* the machine may be left without memory */
	bool machine;		/* its settings and its swap may be changed */
	unsigned int kills;	/* how many, in nouveau_svm_oom@repeated-kills */
	unsigned int seconds;	/* of memory pressure, at least, in nouveau_svm_oom@pressure */
};

extern struct svm_options svm_options;
extern const struct option svm_long_options[];
extern const char svm_help[];
int svm_option(int option, int index, void *unused);

/* Skip unless the device may be unbound: there are kernels that crash of it. */
void require_unbind(void);
/* Skip unless the machine may be left without memory. */
void require_global_oom(void);
/* Skip unless the machine's settings and its swap may be changed. */
void require_machine(void);
#endif
