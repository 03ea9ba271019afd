/* SPDX-License-Identifier: MIT */
/* Copyright © 2026 Seed b1df77d0 maintainers */
#ifndef IGT_DECL_H
#define IGT_DECL_H
/*
 * IGT, for tests that are built in its tree and outside. In the tree its own header is
 * there. Outside there is only the library, libigt.so.0, which distributions ship without
 * headers: then these are the declarations of what the tests use of it, and the blocks that
 * tests are written in, built on the functions that the library exports for them.
 *
 * Names, types and the order of calls are those of IGT's lib/igt_core.h, the same in the
 * libraries 1.27.1 (Debian 12) and 2.0 (Debian 13), and written as tests are since 2026:
 * igt_main(), igt_fixture() and igt_subtest_group() with parentheses.
 */
#if !defined(IGT_STANDALONE) && defined(__has_include) && __has_include("igt.h")
#include "igt.h"
#else
#ifndef IGT_STANDALONE
#define IGT_STANDALONE
#endif

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#ifndef IGT_LOG_DOMAIN
#define IGT_LOG_DOMAIN NULL
#endif

#define IGT_EXIT_SUCCESS	0
#define IGT_EXIT_SKIP		77
#define IGT_EXIT_INVALID	79
#define IGT_EXIT_FAILURE	98
#define IGT_EXIT_ABORT		112

#define IGT_NORETURN		__attribute__((noreturn))
#define IGT_PRINTF(fmt, first)	__attribute__((format(printf, fmt, first)))

enum igt_log_level {
	IGT_LOG_DEBUG,
	IGT_LOG_INFO,
	IGT_LOG_WARN,
	IGT_LOG_CRITICAL,
	IGT_LOG_NONE,
};

struct igt_helper_process {
	bool running;
	bool use_SIGKILL;
	pid_t pid;
	int id;
};

/* What an option handler returns. */
#define IGT_OPT_HANDLER_SUCCESS	0
#define IGT_OPT_HANDLER_ERROR	(-2)

struct option;
typedef int (*igt_opt_handler_t)(int opt, int opt_index, void *data);
typedef void (*igt_exit_handler_t)(int sig);

/* The program and its parts. */
extern jmp_buf igt_subtest_jmpbuf, igt_dynamic_jmpbuf;
int igt_subtest_init_parse_opts(int *argc, char **argv, const char *short_opts,
				const struct option *long_opts, const char *help,
				igt_opt_handler_t handler, void *data);
IGT_NORETURN void igt_exit(void);
bool __igt_fixture(void);
void __igt_fixture_complete(void);
bool __igt_run_subtest(const char *name, const char *file, const int line);
bool __igt_enter_dynamic_container(void);
bool __igt_run_dynamic_subtest(const char *name);
void __igt_subtest_group_save(int *state, int *description);
void __igt_subtest_group_restore(int state, int description);
const char *igt_test_name(void);
const char *igt_subtest_name(void);
bool igt_only_list_subtests(void);
IGT_PRINTF(1, 2) void igt_describe_f(const char *fmt, ...);

/* Verdicts. */
void igt_success(void);
IGT_NORETURN void igt_fail(int status);
IGT_NORETURN IGT_PRINTF(1, 2) void igt_skip(const char *fmt, ...);
IGT_NORETURN IGT_PRINTF(5, 6) void __igt_skip_check(const char *file, const int line,
						    const char *func, const char *check,
						    const char *fmt, ...);
IGT_NORETURN IGT_PRINTF(6, 7) void __igt_fail_assert(const char *domain, const char *file,
						     const int line, const char *func,
						     const char *assertion, const char *fmt, ...);
IGT_NORETURN IGT_PRINTF(6, 7) void __igt_abort(const char *domain, const char *file,
					       const int line, const char *func,
					       const char *expression, const char *fmt, ...);
IGT_PRINTF(3, 4) void igt_log(const char *domain, enum igt_log_level level, const char *fmt, ...);

/* Processes. */
bool __igt_fork(void);
int __igt_waitchildren(void);
void igt_waitchildren(void);
void igt_waitchildren_timeout(int seconds, const char *reason);
void igt_kill_children(int sig);
bool __igt_fork_helper(struct igt_helper_process *proc);
int igt_wait_helper(struct igt_helper_process *proc);
void igt_stop_helper(struct igt_helper_process *proc);
void igt_install_exit_handler(igt_exit_handler_t handler);
void igt_set_timeout(unsigned int seconds, const char *op);
void igt_reset_timeout(void);
bool igt_run_in_simulation(void);

/* Suspending the system. The numbers of the other states depend on the version. */
enum igt_suspend_state { SUSPEND_STATE_FREEZE };

enum igt_suspend_test {
	SUSPEND_TEST_NONE,
	SUSPEND_TEST_FREEZER,
	SUSPEND_TEST_DEVICES,
	SUSPEND_TEST_PLATFORM,
	SUSPEND_TEST_PROCESSORS,
	SUSPEND_TEST_CORE,
};

void igt_system_suspend_autoresume(enum igt_suspend_state state, enum igt_suspend_test test);
/* A line of the kernel log that this test may cause; lib/igt_dmesg.c where the library has none. */
void igt_emit_ignore_dmesg_regex(const char *regex);

#define IGT_PASTE_(a, b)	a ## b
#define IGT_PASTE(a, b)		IGT_PASTE_(a, b)
#define IGT_HERE(name)		IGT_PASTE(igt_here_ ## name ## _, __LINE__)
/* Where the library comes back to when a block is left early; 0 the first time. */
#define IGT_MARK(jmpbuf)	sigsetjmp(jmpbuf, 1)

/* int igt_main() { ... }: the name's first use is a declaration for the int to belong to. */
#define igt_main()	igt_main_args(NULL, NULL, NULL, NULL, NULL)
#define igt_main_args(short_opts, long_opts, help, handler, data)	\
	main(int argc, char **argv);					\
	static void IGT_HERE(body)(void);				\
	int main(int argc, char **argv)					\
	{								\
		igt_subtest_init_parse_opts(&argc, argv, short_opts,	\
					    long_opts, help, handler, data); \
		IGT_HERE(body)();					\
		igt_exit();						\
	}								\
	static void IGT_HERE(body)(void)

#define IGT_TEST_DESCRIPTION(text)	const char *__igt_test_description = (text)
#define igt_describe(text)		igt_describe_f("%s", (text))

#define igt_fixture()							\
	for (volatile bool IGT_HERE(more) = true;			\
	     IGT_HERE(more) && __igt_fixture() &&			\
	     !IGT_MARK(igt_subtest_jmpbuf);				\
	     IGT_HERE(more) = false, __igt_fixture_complete())

#define igt_subtest_group()						\
	for (int IGT_HERE(state) = 0, IGT_HERE(text) = 0, IGT_HERE(nr) = 0; \
	     !IGT_HERE(nr) &&						\
	     (__igt_subtest_group_save(&IGT_HERE(state), &IGT_HERE(text)), 1); \
	     IGT_HERE(nr)++,						\
	     __igt_subtest_group_restore(IGT_HERE(state), IGT_HERE(text)))

#define igt_subtest(name)						\
	for (; __igt_run_subtest((name), __FILE__, __LINE__) &&		\
	       !IGT_MARK(igt_subtest_jmpbuf); igt_success())
#define igt_subtest_with_dynamic(name)					\
	for (; __igt_run_subtest((name), __FILE__, __LINE__) &&		\
	       __igt_enter_dynamic_container() && !IGT_MARK(igt_subtest_jmpbuf); \
	     igt_success())
#define igt_dynamic(name)						\
	for (; __igt_run_dynamic_subtest(name) && !IGT_MARK(igt_dynamic_jmpbuf); \
	     igt_success())

/* The same with a name that is made by printf(). */
#define IGT_NAMED(block, ...)						\
	for (char IGT_HERE(name)[256] = { 0 };				\
	     !*IGT_HERE(name) &&					\
	     snprintf(IGT_HERE(name), sizeof(IGT_HERE(name)), __VA_ARGS__) > 0; ) \
		block(IGT_HERE(name))
#define igt_subtest_f(...)		IGT_NAMED(igt_subtest, __VA_ARGS__)
#define igt_subtest_with_dynamic_f(...)	IGT_NAMED(igt_subtest_with_dynamic, __VA_ARGS__)
#define igt_dynamic_f(...)		IGT_NAMED(igt_dynamic, __VA_ARGS__)

#define igt_debug(...)		igt_log(IGT_LOG_DOMAIN, IGT_LOG_DEBUG, __VA_ARGS__)
#define igt_info(...)		igt_log(IGT_LOG_DOMAIN, IGT_LOG_INFO, __VA_ARGS__)
#define igt_warn(...)		igt_log(IGT_LOG_DOMAIN, IGT_LOG_WARN, __VA_ARGS__)
#define igt_critical(...)	igt_log(IGT_LOG_DOMAIN, IGT_LOG_CRITICAL, __VA_ARGS__)

#define IGT_FAIL(what, ...)						\
	__igt_fail_assert(IGT_LOG_DOMAIN, __FILE__, __LINE__, __func__, what, __VA_ARGS__)

#define igt_assert_f(ok, ...)						\
	do {								\
		if (!(ok))						\
			IGT_FAIL(#ok, __VA_ARGS__);			\
	} while (0)
#define igt_assert(ok)							\
	do {								\
		if (!(ok))						\
			IGT_FAIL(#ok, NULL);				\
	} while (0)
#define igt_fail_on(bad)		igt_assert(!(bad))
#define igt_fail_on_f(bad, ...)		igt_assert_f(!(bad), __VA_ARGS__)

#define IGT_COMPARE(type, fmt, a, op, b)				\
	do {								\
		const type IGT_HERE(l) = (a), IGT_HERE(r) = (b);	\
		if (!(IGT_HERE(l) op IGT_HERE(r)))			\
			IGT_FAIL(#a " " #op " " #b, "left " fmt ", right " fmt "\n", \
				 IGT_HERE(l), IGT_HERE(r));		\
	} while (0)
#define IGT_COMPARE_INT(a, op, b)	IGT_COMPARE(int, "%d", a, op, b)
#define IGT_COMPARE_U32(a, op, b)	IGT_COMPARE(unsigned int, "%#x", a, op, b)
#define IGT_COMPARE_U64(a, op, b)	IGT_COMPARE(unsigned long long, "%#llx", a, op, b)
#define IGT_COMPARE_S64(a, op, b)	IGT_COMPARE(long long, "%lld", a, op, b)
#define igt_assert_eq(a, b)		IGT_COMPARE_INT(a, ==, b)
#define igt_assert_neq(a, b)		IGT_COMPARE_INT(a, !=, b)
#define igt_assert_lt(a, b)		IGT_COMPARE_INT(a, <, b)
#define igt_assert_lte(a, b)		IGT_COMPARE_INT(a, <=, b)
#define igt_assert_eq_u32(a, b)		IGT_COMPARE_U32(a, ==, b)
#define igt_assert_neq_u32(a, b)	IGT_COMPARE_U32(a, !=, b)
#define igt_assert_eq_u64(a, b)		IGT_COMPARE_U64(a, ==, b)
#define igt_assert_neq_u64(a, b)	IGT_COMPARE_U64(a, !=, b)
#define igt_assert_lt_u64(a, b)		IGT_COMPARE_U64(a, <, b)
#define igt_assert_lte_u64(a, b)	IGT_COMPARE_U64(a, <=, b)
#define igt_assert_eq_s64(a, b)		IGT_COMPARE_S64(a, ==, b)
#define igt_assert_lt_s64(a, b)		IGT_COMPARE_S64(a, <, b)
#define igt_assert_lte_s64(a, b)	IGT_COMPARE_S64(a, <=, b)
#define igt_assert_fd(fd)		igt_assert_f((fd) >= 0, "no file descriptor: " #fd "\n")

#define IGT_SKIP_UNLESS(ok, what, ...)					\
	do {								\
		if (!(ok))						\
			__igt_skip_check(__FILE__, __LINE__, __func__, what, __VA_ARGS__); \
	} while (0)
#define igt_require(ok)			IGT_SKIP_UNLESS(ok, #ok, NULL)
#define igt_require_f(ok, ...)		IGT_SKIP_UNLESS(ok, #ok, __VA_ARGS__)
#define igt_skip_on(bad)		IGT_SKIP_UNLESS(!(bad), "!(" #bad ")", NULL)
#define igt_skip_on_f(bad, ...)		IGT_SKIP_UNLESS(!(bad), "!(" #bad ")", __VA_ARGS__)

#define igt_abort_on_f(bad, ...)					\
	do {								\
		if (bad)						\
			__igt_abort(IGT_LOG_DOMAIN, __FILE__, __LINE__, __func__, \
				    #bad, __VA_ARGS__);			\
	} while (0)

/* Children whose failures are the test's, and helpers whose are not. */
#define igt_fork(child, nr)						\
	for (int child = 0; child < (nr); child++)			\
		for (; __igt_fork(); exit(0))
#define igt_fork_helper(proc)						\
	for (; __igt_fork_helper(proc); exit(0))

#endif	/* not in IGT's tree */
#endif
