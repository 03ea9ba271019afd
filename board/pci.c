// SPDX-License-Identifier: MIT
/*
 * A function's configuration space. Registers are those of the PCI Local Bus 3.0, PCI Power
 * Management 1.2 and PCI Express Base 3.0 specifications; names and numbers as in Linux'
 * <linux/pci_regs.h>. The capabilities are where boards of this kind have them: nouveau's
 * nvkm/subdev/pci addresses MSI at 0x68 and PCI Express at 0x78 by number.
 *
 * No_Soft_Reset is set: from D3hot to D0 nothing is reset, as on boards.
 *
 * QEMU (hw/vfio/pci.c) reads all of the space at once, before the guest runs, and later passes
 * the reads of a capability's ID on. If it finds no power management in it, it leaves the BARs
 * mapped in D3hot, and accesses come here, as they come to a board, which answers all ones. So it
 * is shown a Null capability in its place; the guest, which never reads more than 8 bytes, is not.
 */
#include <linux/pci_regs.h>
#include <string.h>

#include "pci.h"

#define PM	0x60
#define MSI	0x68
#define EXPRESS	0x78

/* PCI Express, 7.9.28.1: a capability without registers. */
#define CAP_ID_NULL	0

/* A value, and which of its bits can be written. */
static void put8(struct pci *pci, unsigned int at, uint8_t value, uint8_t writable)
{
	pci->config[at] = value;
	pci->writable[at] = writable;
}

static void put16(struct pci *pci, unsigned int at, uint16_t value, uint16_t writable)
{
	put8(pci, at, value, writable);
	put8(pci, at + 1, value >> 8, writable >> 8);
}

static void put32(struct pci *pci, unsigned int at, uint32_t value, uint32_t writable)
{
	put16(pci, at, value, writable);
	put16(pci, at + 2, value >> 16, writable >> 16);
}

static uint16_t get16(const struct pci *pci, unsigned int at)
{
	return pci->config[at] | pci->config[at + 1] << 8;
}

static void put_bars(struct pci *pci, const struct pci_identity *identity)
{
	for (unsigned int i = 0; i < 6; i++) {
		const uint64_t size = identity->bar_size[i];
		const unsigned int at = PCI_BASE_ADDRESS_0 + 4 * i;
		const uint64_t mask = ~(size - 1) & ~0xfULL;

		if (!size)
			continue;
		if (identity->bar_64[i] && i < 5) {
			put32(pci, at,
			      PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH, mask);
			put32(pci, at + 4, 0, mask >> 32);
		} else {
			put32(pci, at, PCI_BASE_ADDRESS_MEM_TYPE_32, mask);
		}
	}
}

static void put_pm(struct pci *pci, unsigned int next)
{
	put8(pci, PM, PCI_CAP_ID_PM, 0);
	put8(pci, PM + PCI_CAP_LIST_NEXT, next, 0);
	put16(pci, PM + PCI_PM_PMC, 3, 0);	/* version; no D1, no D2, no PME */
	put16(pci, PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET, PCI_PM_CTRL_STATE_MASK);
	pci->pm = PM;
}

static void put_msi(struct pci *pci, unsigned int next)
{
	put8(pci, MSI, PCI_CAP_ID_MSI, 0);
	put8(pci, MSI + PCI_CAP_LIST_NEXT, next, 0);
	put16(pci, MSI + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT,
	      PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	put32(pci, MSI + PCI_MSI_ADDRESS_LO, 0, ~3U);
	put32(pci, MSI + PCI_MSI_ADDRESS_HI, 0, ~0U);
	put16(pci, MSI + PCI_MSI_DATA_64, 0, 0xffff);
	pci->msi = MSI;
}

/* An endpoint, x16, 8 GT/s. */
static void put_express(struct pci *pci, unsigned int next)
{
	const uint16_t link = PCI_EXP_LNKSTA_CLS_8_0GB | 16 << PCI_EXP_LNKSTA_NLW_SHIFT;

	put8(pci, EXPRESS, PCI_CAP_ID_EXP, 0);
	put8(pci, EXPRESS + PCI_CAP_LIST_NEXT, next, 0);
	put16(pci, EXPRESS + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4, 0);
	/* Payloads of 256 bytes. */
	put32(pci, EXPRESS + PCI_EXP_DEVCAP,
	      1 | PCI_EXP_DEVCAP_EXT_TAG | PCI_EXP_DEVCAP_RBER | PCI_EXP_DEVCAP_FLR, 0);
	/* BCR_FLR is not kept: a write of it is an event. */
	put16(pci, EXPRESS + PCI_EXP_DEVCTL, 0,
	      PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
	      PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD |
	      PCI_EXP_DEVCTL_EXT_TAG | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ);
	put32(pci, EXPRESS + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_8_0GB | 16 << 4, 0);
	put16(pci, EXPRESS + PCI_EXP_LNKCTL, 0,
	      PCI_EXP_LNKCTL_ASPMC | PCI_EXP_LNKCTL_RCB | PCI_EXP_LNKCTL_CCC | PCI_EXP_LNKCTL_ES);
	put16(pci, EXPRESS + PCI_EXP_LNKSTA, link | PCI_EXP_LNKSTA_SLC, 0);
	put32(pci, EXPRESS + PCI_EXP_DEVCAP2, PCI_EXP_DEVCAP2_COMP_TMOUT_DIS, 0);
	put16(pci, EXPRESS + PCI_EXP_DEVCTL2, 0, PCI_EXP_DEVCTL2_COMP_TMOUT_DIS);
	put32(pci, EXPRESS + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB |
	      PCI_EXP_LNKCAP2_SLS_5_0GB | PCI_EXP_LNKCAP2_SLS_8_0GB, 0);
	put16(pci, EXPRESS + PCI_EXP_LNKCTL2, 0, PCI_EXP_LNKCTL2_TLS);
	pci->express = EXPRESS;
}

/* Bits that can be written and are not 0 at power-on. */
static void power_on(struct pci *pci)
{
	const uint16_t devctl = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_EXT_TAG |
				PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ_512B;

	pci->config[EXPRESS + PCI_EXP_DEVCTL] |= devctl & 0xff;
	pci->config[EXPRESS + PCI_EXP_DEVCTL + 1] |= devctl >> 8;
	pci->config[EXPRESS + PCI_EXP_LNKCTL2] |= PCI_EXP_LNKCTL2_TLS_8_0GT;
}

void pci_init(struct pci *pci, const struct pci_identity *identity)
{
	memset(pci, 0, sizeof(*pci));
	pci->traps_in_d3 = identity->traps_in_d3;
	put16(pci, PCI_VENDOR_ID, identity->vendor, 0);
	put16(pci, PCI_DEVICE_ID, identity->device, 0);
	put16(pci, PCI_COMMAND, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
	      PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	put16(pci, PCI_STATUS, PCI_STATUS_CAP_LIST, 0);
	put32(pci, PCI_CLASS_REVISION, identity->class << 8 | identity->revision, 0);
	put8(pci, PCI_CACHE_LINE_SIZE, 0, 0xff);
	put_bars(pci, identity);
	put16(pci, PCI_SUBSYSTEM_VENDOR_ID, identity->subvendor, 0);
	put16(pci, PCI_SUBSYSTEM_ID, identity->subdevice, 0);
	put8(pci, PCI_CAPABILITY_LIST, PM, 0);
	put8(pci, PCI_INTERRUPT_LINE, 0, 0xff);
	put8(pci, PCI_INTERRUPT_PIN, 1, 0);
	put_pm(pci, MSI);
	put_msi(pci, EXPRESS);
	put_express(pci, 0);
	power_on(pci);
}

void pci_reset(struct pci *pci)
{
	for (unsigned int i = 0; i < PCI_CONFIG_SIZE; i++)
		pci->config[i] &= ~pci->writable[i];
	power_on(pci);
}

void pci_read(const struct pci *pci, uint32_t offset, void *buf, uint32_t len)
{
	/* There is nothing beyond the end. */
	if (offset > PCI_CONFIG_SIZE || len > PCI_CONFIG_SIZE - offset) {
		memset(buf, 0xff, len);
		return;
	}
	memcpy(buf, pci->config + offset, len);
	if (pci->traps_in_d3 && len == PCI_CONFIG_SIZE)
		((uint8_t *)buf)[pci->pm] = CAP_ID_NULL;
}

enum pci_event pci_write(struct pci *pci, uint32_t offset, const void *buf, uint32_t len)
{
	const uint32_t flr = pci->express + PCI_EXP_DEVCTL + 1;
	const unsigned int power = pci_power(pci);
	const uint8_t *data = buf;

	if (offset > PCI_CONFIG_SIZE || len > PCI_CONFIG_SIZE - offset)
		return PCI_NOTHING;
	for (uint32_t i = 0; i < len; i++) {
		const uint8_t writable = pci->writable[offset + i];
		uint8_t *config = &pci->config[offset + i];

		*config = (*config & ~writable) | (data[i] & writable);
	}
	/* A state that the function does not have is not entered. */
	if (pci_power(pci) == 1 || pci_power(pci) == 2) {
		pci->config[pci->pm + PCI_PM_CTRL] &= ~PCI_PM_CTRL_STATE_MASK;
		pci->config[pci->pm + PCI_PM_CTRL] |= power;
	}
	if (offset <= flr && flr - offset < len &&
	    (data[flr - offset] & PCI_EXP_DEVCTL_BCR_FLR >> 8))
		return PCI_FLR;
	return pci_power(pci) == power ? PCI_NOTHING : PCI_POWER;
}

unsigned int pci_power(const struct pci *pci)
{
	return get16(pci, pci->pm + PCI_PM_CTRL) & PCI_PM_CTRL_STATE_MASK;
}

bool pci_memory_enabled(const struct pci *pci)
{
	return get16(pci, PCI_COMMAND) & PCI_COMMAND_MEMORY;
}

bool pci_bus_master(const struct pci *pci)
{
	return get16(pci, PCI_COMMAND) & PCI_COMMAND_MASTER;
}
