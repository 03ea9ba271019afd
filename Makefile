# SPDX-License-Identifier: GPL-2.0
# The user's view of tools/. `make help` lists the targets.

BASE ?= 7.3
VARIANT ?= patched
N ?= 3

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# What is set for this Makefile is not set for those that the tools call.
MAKEOVERRIDES =

help: ## this list
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  BASE=$(BASE) (of: $(shell ls bases | sed 's/\.conf$$//' | paste -sd' '))   VARIANT=$(VARIANT) (of: stock patched; board-smoke, kernel and boot also: base)"
	@echo "  LINUX_SRC_7_3=/path/to/a/tree/or/tarball   use that as the source of base 7.3"
	@echo "  UNDO_BUILD=/path   build there instead of in build/"
	@echo "  UNDO_NEED_GIB=n    how much disk has to be free to begin"
	@echo "  UNDO_OFFLINE=1     fetch nothing, take what build/cache has"
	@echo "  UNDO_QEMU=/path    boot guests with that QEMU ($(shell sed -n 's/^since=//p' tools/qemu) or newer for the board)"
	@echo "  UNDO_BOARD=/path   run that program instead of board/board"
	@echo "  UNDO_FRAGMENT=/path   add that fragment to a kernel's configuration"
	@echo "  UNDO_IGT=/path     run these tests instead of tests/igt"
	@echo "  UNDO_IGT_LIMIT=n   end a subtest after n seconds"
	@echo "  tools/test-oracle, tools/count: see the heads of these files"

demo: deps ## boot stock and patched BASE, show what a refused reap does to each
	@tools/demo $(BASE)

check: deps ## everything that must hold before a change goes in
	@tools/check

check-long: deps ## tests too slow for check: the head of tools/check lists them
	@tools/check long

check-busy: ## what check has in guests, N times beside four busy loops, on kernels that are built (N=3)
	@tools/check-busy $(N)

deps: ## install the Debian packages that the tools need, or list them
	@tools/deps

source: deps ## fetch and verify the source of BASE
	@tools/fetch $(BASE)

prepare: deps ## make the throw-away git trees build/BASE/src/{stock,patched}
	@tools/prepare $(BASE)

kernel: deps ## build kernel and modules of BASE and VARIANT in build/BASE/VARIANT
	@tools/build $(BASE) $(VARIANT)

kunit: kernel ## run the KUnit suite in a guest on BASE and VARIANT
	@tools/test-kunit $(BASE) $(VARIANT)

contract: kernel ## run the contract test in a guest on BASE and VARIANT
	@tools/test-contract $(BASE) $(VARIANT)

check-igt: kernel ## run tests/igt with a board, in a guest on BASE and VARIANT (all, or GROUP="basic oom@control")
	@tools/test-igt $(BASE) $(VARIANT) $(GROUP)

check-igt-opencl: deps ## run tests/igt over OpenCL on this machine's processors
	@tools/test-igt-opencl

igt-install: ## copy tests/igt into an IGT tree, IGT_SRC=/path
	@tools/igt-install "$(IGT_SRC)"

soak: override VARIANT = patched
soak: kernel ## 200 kills of a process with its memory on the device, 10 minutes of memory pressure
	@UNDO_IGT_LIMIT=20000 tools/test-igt --options "--kills 200 --seconds 600" $(BASE) $(VARIANT) \
		oom@repeated-kills oom@pressure

check-kasan: deps ## run tests/igt with KASAN on BASE and VARIANT (a kernel of its own; all, or GROUP=...)
	@tools/check-kasan $(BASE) $(VARIANT) $(GROUP)

mutants: override VARIANT = patched
mutants: kernel ## plant each mistake of tests/mutants into BASE's patched kernel; its test has to find it (all, or GROUP=nouveau NAME=vol-stays)
	@tools/test-mutants $(if $(GROUP),--group $(GROUP)) $(BASE) $(NAME)

hmm: kernel ## run the kernel's own hmm-tests in a guest on BASE and VARIANT
	@tools/test-hmm $(BASE) $(VARIANT)

boot: kernel ## a shell in a guest on BASE and VARIANT and a board (exit ends it; GDB=1 waits for gdb)
	@tools/shell $(BASE) $(VARIANT) $(if $(GDB),--gdb)

board: deps ## build board/board, the GPU on the PCI bus
	@$(MAKE) -C board board

# The base commit as it is, unless VARIANT says otherwise.
board-smoke: override VARIANT := $(if $(filter command environment,$(firstword $(origin VARIANT))),$(VARIANT),base)
board-smoke: deps ## nouveau on a board, in a guest: BASE as it is (or VARIANT=...), or KERNEL=trixie, KERNEL="VMLINUZ MODULES" (EXPECT=patched: with the series; STEPS="probe copy": only these)
	@tools/board-smoke $(if $(EXPECT),--expect $(EXPECT)) $(if $(STEPS),--steps "$(STEPS)") $(if $(KERNEL),$(KERNEL),$(BASE) $(VARIANT))

export: deps ## write commits of build/BASE/src/patched back, and a mailable series
	@tools/export $(BASE)

docs: deps ## build the documentation as HTML in build/docs
	@tools/docs

clean: ## remove trees, kernels and logs, keep the downloads; refuse if a tree has work that is not in patches/
	@tools/clean

.PHONY: help demo check check-long check-busy check-igt check-igt-opencl igt-install soak check-kasan mutants deps source prepare kernel kunit contract \
	hmm boot board board-smoke export docs clean
