/* SPDX-License-Identifier: MIT */
#ifndef PCI_H
#define PCI_H
/* A function's configuration space: header, power management, MSI, PCI Express with FLR. */
#include <stdbool.h>
#include <stdint.h>

#define PCI_CONFIG_SIZE	4096

struct pci {
	uint8_t config[PCI_CONFIG_SIZE];
	uint8_t writable[PCI_CONFIG_SIZE];	/* bits that a write changes */
	uint8_t pm, msi, express;		/* where the capabilities are; 0: none */
	bool traps_in_d3;
};

struct pci_identity {
	uint16_t vendor, device, subvendor, subdevice;
	uint32_t class;		/* class << 16 | subclass << 8 | interface */
	uint8_t revision;
	uint64_t bar_size[6];	/* 0: none; a 64-bit BAR takes two, the second is 0 */
	bool bar_64[6];		/* and prefetchable */
	/*
	 * In D3hot QEMU takes the BARs away from the guest, whose reads are 0 then. If this is set
	 * it does not, and they come here. It is not for BARs that are mapped.
	 */
	bool traps_in_d3;
};

/* What a write to the configuration space was about. */
enum pci_event { PCI_NOTHING, PCI_POWER, PCI_FLR };

void pci_init(struct pci *pci, const struct pci_identity *identity);
/* Power-on values; the identity stays. */
void pci_reset(struct pci *pci);
void pci_read(const struct pci *pci, uint32_t offset, void *buf, uint32_t len);
enum pci_event pci_write(struct pci *pci, uint32_t offset, const void *buf, uint32_t len);
/* 0 for D0 to 3 for D3hot. */
unsigned int pci_power(const struct pci *pci);
bool pci_memory_enabled(const struct pci *pci);
bool pci_bus_master(const struct pci *pci);
#endif
