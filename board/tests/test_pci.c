// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "../pci.h"

/* As lspci shows a board, and nouveau's nvkm/subdev/pci addresses it. */
#define PM	0x60
#define MSI	0x68
#define EXPRESS	0x78

static const struct pci_identity identity = {
	.vendor = 0x10de, .device = 0x15f8, .subvendor = 0x10de, .subdevice = 0x118f,
	.class = 0x030200, .revision = 0xa1,
	.bar_size = { 16 << 20, 16ULL << 30, 0, 32 << 20, 0, 128 },
	.bar_64 = { false, true, false, true, false, false },
};

static uint32_t get(const struct pci *pci, uint32_t offset, uint32_t len)
{
	uint32_t value = 0;

	pci_read(pci, offset, &value, len);
	return value;
}

static enum pci_event set(struct pci *pci, uint32_t offset, uint32_t value, uint32_t len)
{
	return pci_write(pci, offset, &value, len);
}

static int setup(void **state)
{
	struct pci *pci = malloc(sizeof(*pci));

	/* Nothing that was there before is seen. */
	memset(pci, 0xaa, sizeof(*pci));
	pci_init(pci, &identity);
	*state = pci;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void identity_is_read(void **state)
{
	const struct pci *pci = *state;

	assert_int_equal(get(pci, PCI_VENDOR_ID, 4), 0x15f810de);
	assert_int_equal(get(pci, PCI_CLASS_REVISION, 4), 0x030200a1);
	assert_int_equal(get(pci, PCI_SUBSYSTEM_VENDOR_ID, 4), 0x118f10de);
	assert_int_equal(get(pci, PCI_HEADER_TYPE, 1), PCI_HEADER_TYPE_NORMAL);
	assert_int_equal(get(pci, PCI_COMMAND, 2), 0);
	assert_int_equal(get(pci, PCI_STATUS, 2), PCI_STATUS_CAP_LIST);
	assert_int_equal(get(pci, PCI_INTERRUPT_PIN, 1), 1);
	assert_int_equal(get(pci, PCI_ROM_ADDRESS, 4), 0);
}

static void identity_cannot_be_written(void **state)
{
	struct pci *pci = *state;
	struct pci before = *pci;

	assert_int_equal(set(pci, PCI_VENDOR_ID, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_STATUS, ~0U, 2), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_CLASS_REVISION, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_SUBSYSTEM_VENDOR_ID, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_CAPABILITY_LIST, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_INTERRUPT_PIN, ~0U, 1), PCI_NOTHING);
	assert_int_equal(set(pci, PCI_ROM_ADDRESS, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, 0x100, ~0U, 4), PCI_NOTHING);
	assert_memory_equal(pci->config, before.config, sizeof(before.config));
}

static void command_has_its_bits(void **state)
{
	struct pci *pci = *state;

	assert_false(pci_memory_enabled(pci));
	assert_false(pci_bus_master(pci));
	set(pci, PCI_COMMAND, 0xffff, 2);
	assert_int_equal(get(pci, PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			 PCI_COMMAND_PARITY | PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	assert_true(pci_memory_enabled(pci));
	assert_true(pci_bus_master(pci));
	set(pci, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
	assert_false(pci_memory_enabled(pci));
	assert_true(pci_bus_master(pci));
	set(pci, PCI_COMMAND, PCI_COMMAND_MEMORY, 1);
	assert_true(pci_memory_enabled(pci));
	assert_false(pci_bus_master(pci));
}

/* Software writes ones, and reads which bits there are. */
static uint32_t size_bar(struct pci *pci, unsigned int bar)
{
	set(pci, PCI_BASE_ADDRESS_0 + 4 * bar, ~0U, 4);
	return get(pci, PCI_BASE_ADDRESS_0 + 4 * bar, 4);
}

static void bars_are_sized(void **state)
{
	struct pci *pci = *state;

	assert_int_equal(size_bar(pci, 0), 0xff000000);
	assert_int_equal(size_bar(pci, 1), 0x0000000c);
	assert_int_equal(size_bar(pci, 2), 0xfffffffc);
	assert_int_equal(size_bar(pci, 3), 0xfe00000c);
	assert_int_equal(size_bar(pci, 4), 0xffffffff);
	assert_int_equal(size_bar(pci, 5), 0xffffff80);
	set(pci, PCI_BASE_ADDRESS_0, 0xfd345678, 4);
	assert_int_equal(get(pci, PCI_BASE_ADDRESS_0, 4), 0xfd000000);
}

static void no_bar_where_there_is_none(void **state)
{
	static const struct pci_identity one = { .bar_size = { 4096 } };
	struct pci *pci = *state;

	pci_init(pci, &one);
	assert_int_equal(size_bar(pci, 0), 0xfffff000);
	for (unsigned int i = 1; i < 6; i++)
		assert_int_equal(size_bar(pci, i), 0);
}

/* Each once, in a list that ends, without overlaps. */
static void capabilities_are_listed(void **state)
{
	const struct pci *pci = *state;
	uint32_t at = get(pci, PCI_CAPABILITY_LIST, 1);

	assert_int_equal(at, PM);
	assert_int_equal(get(pci, at, 1), PCI_CAP_ID_PM);
	assert_int_equal(pci->pm, at);
	at = get(pci, at + 1, 1);
	assert_int_equal(at, MSI);
	assert_true(at >= PM + PCI_PM_SIZEOF);
	assert_int_equal(get(pci, at, 1), PCI_CAP_ID_MSI);
	assert_int_equal(pci->msi, at);
	at = get(pci, at + 1, 1);
	assert_int_equal(at, EXPRESS);
	assert_true(at >= MSI + PCI_CAP_MSIX_SIZEOF + 2);
	assert_int_equal(get(pci, at, 1), PCI_CAP_ID_EXP);
	assert_int_equal(pci->express, at);
	assert_int_equal(get(pci, at + 1, 1), 0);
	assert_int_equal(get(pci, 0x100, 4), 0);
}

static void msi_has_one_vector_and_64_bits(void **state)
{
	struct pci *pci = *state;

	assert_int_equal(get(pci, MSI + PCI_MSI_FLAGS, 2), PCI_MSI_FLAGS_64BIT);
	set(pci, MSI + PCI_MSI_FLAGS, 0xffff, 2);
	assert_int_equal(get(pci, MSI + PCI_MSI_FLAGS, 2),
			 PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	set(pci, MSI + PCI_MSI_ADDRESS_LO, 0xfee01007, 4);
	set(pci, MSI + PCI_MSI_ADDRESS_HI, 0x12345678, 4);
	set(pci, MSI + PCI_MSI_DATA_64, 0x4041, 2);
	assert_int_equal(get(pci, MSI + PCI_MSI_ADDRESS_LO, 4), 0xfee01004);
	assert_int_equal(get(pci, MSI + PCI_MSI_ADDRESS_HI, 4), 0x12345678);
	assert_int_equal(get(pci, MSI + PCI_MSI_DATA_64, 2), 0x4041);
}

static void power_states(void **state)
{
	struct pci *pci = *state;
	const uint32_t control = PM + PCI_PM_CTRL;

	/* What is not reset from D3hot to D0 must be said. */
	assert_int_equal(get(pci, control, 2), PCI_PM_CTRL_NO_SOFT_RESET);
	assert_int_equal(get(pci, PM + PCI_PM_PMC, 2), 3);
	assert_int_equal(pci_power(pci), 0);
	set(pci, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
	assert_int_equal(set(pci, control, 0xffff, 2), PCI_POWER);
	assert_int_equal(pci_power(pci), 3);
	assert_int_equal(get(pci, control, 2), 3 | PCI_PM_CTRL_NO_SOFT_RESET);
	/* The same again is no event, nor is a write of the other byte. */
	assert_int_equal(set(pci, control, 3, 2), PCI_NOTHING);
	assert_int_equal(set(pci, control + 1, 0xff, 1), PCI_NOTHING);
	/* There is neither D1 nor D2. */
	assert_int_equal(set(pci, control, 1, 2), PCI_NOTHING);
	assert_int_equal(pci_power(pci), 3);
	assert_int_equal(set(pci, control, 0, 1), PCI_POWER);
	assert_int_equal(pci_power(pci), 0);
	assert_int_equal(set(pci, control, 2, 1), PCI_NOTHING);
	assert_int_equal(pci_power(pci), 0);
	assert_true(pci_memory_enabled(pci));
	/* Within a larger write. */
	assert_int_equal(set(pci, PM + 2, 3 << 16, 4), PCI_POWER);
}

static void express_endpoint(void **state)
{
	struct pci *pci = *state;

	assert_int_equal(get(pci, EXPRESS + PCI_EXP_FLAGS, 2), 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	assert_true(get(pci, EXPRESS + PCI_EXP_DEVCAP, 4) & PCI_EXP_DEVCAP_FLR);
	assert_int_equal(get(pci, EXPRESS + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_SLS,
			 PCI_EXP_LNKCAP_SLS_8_0GB);
	assert_int_equal((get(pci, EXPRESS + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_MLW) >> 4, 16);
	assert_int_equal(get(pci, EXPRESS + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_CLS,
			 PCI_EXP_LNKSTA_CLS_8_0GB);
	assert_int_equal((get(pci, EXPRESS + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_NLW) >> 4, 16);
	assert_int_equal(get(pci, EXPRESS + PCI_EXP_LNKCTL2, 2), PCI_EXP_LNKCTL2_TLS_8_0GT);
	/* nouveau's g84_pcie_cur_speed() reads this as 8 GT/s. */
	assert_int_equal(get(pci, 0x88, 4) & 0x30000, 0x30000);
	assert_int_equal(set(pci, EXPRESS + PCI_EXP_LNKSTA, 0, 2), PCI_NOTHING);
	assert_int_equal(get(pci, 0x88, 4) & 0x30000, 0x30000);
}

static void function_level_reset(void **state)
{
	struct pci *pci = *state;
	const uint32_t control = EXPRESS + PCI_EXP_DEVCTL;
	const uint32_t before = get(pci, control, 2);

	assert_int_equal(set(pci, control, before | PCI_EXP_DEVCTL_BCR_FLR, 2), PCI_FLR);
	/* It reads 0. */
	assert_int_equal(get(pci, control, 2), before);
	assert_int_equal(set(pci, control, before, 2), PCI_NOTHING);
	assert_int_equal(set(pci, control + 1, 0x80, 1), PCI_FLR);
	assert_int_equal(set(pci, control, 0x80, 1), PCI_NOTHING);
	assert_int_equal(set(pci, control, PCI_EXP_DEVCTL_BCR_FLR, 4), PCI_FLR);
	assert_int_equal(set(pci, control + 2, ~0U, 4), PCI_NOTHING);
	assert_int_equal(set(pci, control - 4, ~0U, 4), PCI_NOTHING);
}

static void reset_to_power_on(void **state)
{
	struct pci *pci = *state;
	const struct pci before = *pci;
	uint8_t ones[PCI_CONFIG_SIZE];

	memset(ones, 0xff, sizeof(ones));
	pci_write(pci, 0, ones, sizeof(ones));
	assert_int_equal(pci_power(pci), 3);
	pci_reset(pci);
	assert_memory_equal(pci, &before, sizeof(before));
}

static void bytes_one_by_one(void **state)
{
	struct pci *pci = *state;

	for (unsigned int i = 0; i < 4; i++)
		set(pci, PCI_BASE_ADDRESS_0 + i, 0x12345678 >> 8 * i, 1);
	assert_int_equal(get(pci, PCI_BASE_ADDRESS_0, 4), 0x12000000);
	assert_int_equal(get(pci, PCI_BASE_ADDRESS_0 + 3, 1), 0x12);
}

static void nothing_beyond_the_end(void **state)
{
	static const uint32_t offsets[] = { PCI_CONFIG_SIZE, PCI_CONFIG_SIZE - 3, UINT32_MAX,
					    UINT32_MAX - 3 };
	struct pci *pci = *state;
	const struct pci before = *pci;

	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		assert_int_equal(get(pci, offsets[i], 4), 0xffffffff);
		assert_int_equal(set(pci, offsets[i], 0, 4), PCI_NOTHING);
	}
	assert_int_equal(get(pci, PCI_CONFIG_SIZE - 4, 4), 0);
	assert_memory_equal(pci, &before, sizeof(before));
}

/* The client finds no power management, so that it leaves the BARs mapped; the guest does. */
static void power_management_is_hidden_from_the_client(void **state)
{
	struct pci_identity hidden = identity;
	uint8_t all[PCI_CONFIG_SIZE], part[PCI_CONFIG_SIZE];
	struct pci *pci = *state;

	pci_read(pci, 0, all, sizeof(all));
	assert_int_equal(all[PM], PCI_CAP_ID_PM);
	hidden.traps_in_d3 = true;
	pci_init(pci, &hidden);
	pci_read(pci, 0, all, sizeof(all));
	assert_int_equal(all[PM], 0);
	assert_int_equal(all[PM + 1], MSI);
	pci_read(pci, 0, part, sizeof(part) - 1);
	assert_int_equal(part[PM], PCI_CAP_ID_PM);
	assert_int_equal(get(pci, PM, 1), PCI_CAP_ID_PM);
	assert_int_equal(get(pci, PM, 4), 0x00036801);
	assert_int_equal(set(pci, PM + PCI_PM_CTRL, 3, 2), PCI_POWER);
	/* A reset does not change it. */
	pci_reset(pci);
	pci_read(pci, 0, all, sizeof(all));
	assert_int_equal(all[PM], 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(identity_is_read),
		TEST(identity_cannot_be_written),
		TEST(command_has_its_bits),
		TEST(bars_are_sized),
		TEST(no_bar_where_there_is_none),
		TEST(capabilities_are_listed),
		TEST(msi_has_one_vector_and_64_bits),
		TEST(power_states),
		TEST(express_endpoint),
		TEST(function_level_reset),
		TEST(reset_to_power_on),
		TEST(bytes_one_by_one),
		TEST(nothing_beyond_the_end),
		TEST(power_management_is_hidden_from_the_client),
	};

	return cmocka_run_group_tests_name("pci", tests, NULL, NULL);
}
