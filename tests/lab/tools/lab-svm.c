/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A plugin of QEMU. After each exit from a guest it mends what QEMU's emulation of SVM does
 * otherwise than a processor, and what no kernel of 32 bits on Xen survives.
 *
 * With PAE, QEMU sets the accessed bit in the four top entries of a guest's page tables. The bit is
 * reserved there, so Xen, which walks the tables to read the instruction that made the guest exit,
 * finds an error in them. The plugin clears the bit.
 *
 * QEMU takes a read of any control register for one of CR0, which Xen intercepts. Xen then gives a
 * CR2 of its own, and the guest's kernel does not learn the address of a page fault. The plugin
 * takes the interception of reads of CR0 away.
 *
 * It is written for version 7 of QEMU's interface for plugins, as in QEMU 11.1, whose header Debian
 * does not ship. What is needed of it and of GLib is declared here. It has no locks: the emulated
 * host must have one processor.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes { /* GLib's GByteArray, and its GArray */
  uint8_t* data;
  unsigned int length;
};
struct bytes* g_byte_array_new(void);
struct bytes* g_byte_array_set_size(struct bytes*, unsigned int);
void g_byte_array_unref(struct bytes*);
unsigned int g_array_get_element_size(struct bytes*);
void g_array_unref(struct bytes*);

struct reg { /* how an element of the list of registers begins */
  void* handle;
  const char* name;
};
enum { WITH_REGISTERS = 1 };
typedef void translated(void* block, void* context);
typedef void executed(unsigned int processor, void* context);
size_t qemu_plugin_tb_n_insns(const void* block);
void* qemu_plugin_tb_get_insn(const void* block, size_t index);
size_t qemu_plugin_insn_data(const void* instruction, void* to, size_t length);
uint64_t qemu_plugin_insn_vaddr(const void* instruction);
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t plugin, translated*, void* context);
void qemu_plugin_register_vcpu_insn_exec_cb(void* instruction, executed*, int flags, void* context);
struct bytes* qemu_plugin_get_registers(void);
bool qemu_plugin_read_register(void* handle, struct bytes*);
int qemu_plugin_read_memory_hwaddr(uint64_t address, struct bytes*, size_t length);
int qemu_plugin_write_memory_hwaddr(uint64_t address, struct bytes*);

#define EXPORTED __attribute__((visibility("default")))
EXPORTED int qemu_plugin_version = 7;

enum { /* offsets in SVM's control block, and bits in what is there */
       INTERCEPTS = 0x0,
       READ_CR0 = 1,
       NESTED = 0x90,
       NESTED_PAGING = 1,
       NESTED_CR3 = 0xb0,
       EFER = 0x4d0,
       LONG_MODE = 0x400,
       CR4 = 0x548,
       PAE = 0x20,
       CR3 = 0x550,
       CR0 = 0x558,
};
#define PAGING 0x80000000u
enum { PRESENT = 1, ACCESSED = 0x20, SUPERPAGE = 0x80 };
#define FRAME 0x000ffffffffff000u

static const uint8_t VMRUN[] = {0x0f, 0x01, 0xd8};
enum { MOST = 8 };
static uint64_t after_vmrun[MOST];
static unsigned int vmruns;

/* Ends QEMU. Without that, a guest would just hang. */
static void fail(const char* what) {
  fprintf(stderr, "lab-svm: %s\n", what);
  abort();
}

static uint64_t value_of(struct bytes* bytes) {
  uint64_t value = 0;
  if (bytes->length < sizeof value) fail("what was read is too short");
  memcpy(&value, bytes->data, sizeof value);
  g_byte_array_unref(bytes);
  return value;
}

static uint64_t read_memory(uint64_t address) {
  struct bytes* bytes = g_byte_array_new();
  if (qemu_plugin_read_memory_hwaddr(address, bytes, sizeof(uint64_t)) != 0) {
    fail("the host's memory cannot be read");
  }
  return value_of(bytes);
}

static void write_memory(uint64_t address, uint64_t value) {
  struct bytes* bytes = g_byte_array_set_size(g_byte_array_new(), sizeof value);
  memcpy(bytes->data, &value, sizeof value);
  if (qemu_plugin_write_memory_hwaddr(address, bytes) != 0) {
    fail("the host's memory cannot be written");
  }
  g_byte_array_unref(bytes);
}

static uint64_t read_rax(void) {
  static void* handle;
  if (handle == NULL) {
    struct bytes* registers = qemu_plugin_get_registers();
    for (unsigned int i = 0; i < registers->length; i++) {
      struct reg* each = (struct reg*)(registers->data + i * g_array_get_element_size(registers));
      if (strcmp(each->name, "rax") == 0) handle = each->handle;
    }
    g_array_unref(registers);
  }
  if (handle == NULL) fail("QEMU has no register called rax");
  struct bytes* bytes = g_byte_array_new();
  if (!qemu_plugin_read_register(handle, bytes)) fail("rax cannot be read");
  return value_of(bytes);
}

/* Where the host has a page of the guest; 0: nowhere. */
static uint64_t host_address(uint64_t nested_cr3, uint64_t address) {
  uint64_t table = nested_cr3 & FRAME;
  for (int level = 3; level >= 0; level--) {
    int shift = 12 + 9 * level;
    uint64_t entry = read_memory(table + ((address >> shift) & 511) * sizeof entry);
    if ((entry & PRESENT) == 0) return 0;
    if (level == 0 || (level < 3 && (entry & SUPERPAGE) != 0)) {
      uint64_t inside = ((uint64_t)1 << shift) - 1;
      return (entry & FRAME & ~inside) | (address & inside);
    }
    table = entry & FRAME;
  }
  return 0;
}

static void exited(unsigned int processor, void* context) {
  (void)processor;
  (void)context;
  uint64_t block = read_rax();
  uint64_t intercepts = read_memory(block + INTERCEPTS);
  if ((intercepts & READ_CR0) != 0) {
    write_memory(block + INTERCEPTS, intercepts & ~(uint64_t)READ_CR0);
  }
  if ((read_memory(block + NESTED) & NESTED_PAGING) == 0 ||
      (read_memory(block + CR0) & PAGING) == 0 || (read_memory(block + CR4) & PAE) == 0 ||
      (read_memory(block + EFER) & LONG_MODE) != 0) {
    return;
  }
  uint64_t tables = read_memory(block + CR3) & 0xffffffe0;
  uint64_t entries = host_address(read_memory(block + NESTED_CR3), tables);
  if (entries == 0) return;
  for (int i = 0; i < 4; i++) {
    uint64_t entry = read_memory(entries + i * sizeof entry);
    if ((entry & PRESENT) != 0 && (entry & ACCESSED) != 0) {
      write_memory(entries + i * sizeof entry, entry & ~(uint64_t)ACCESSED);
    }
  }
}

static void look_at(void* block, void* context) {
  (void)context;
  size_t count = qemu_plugin_tb_n_insns(block);
  for (size_t i = 0; i < count; i++) {
    void* instruction = qemu_plugin_tb_get_insn(block, i);
    uint64_t address = qemu_plugin_insn_vaddr(instruction);
    for (unsigned int k = 0; k < vmruns; k++) {
      if (after_vmrun[k] == address) {
        qemu_plugin_register_vcpu_insn_exec_cb(instruction, exited, WITH_REGISTERS, NULL);
      }
    }
    uint8_t data[sizeof VMRUN];
    if (qemu_plugin_insn_data(instruction, data, sizeof data) < sizeof data ||
        memcmp(data, VMRUN, sizeof data) != 0) {
      continue;
    }
    bool known = false;
    for (unsigned int k = 0; k < vmruns; k++) known |= after_vmrun[k] == address + sizeof VMRUN;
    if (known) continue;
    if (vmruns == MOST) fail("there are more VMRUN than it has room for");
    after_vmrun[vmruns++] = address + sizeof VMRUN;
  }
}

EXPORTED int qemu_plugin_install(uint64_t plugin, const void* about, int count, char** arguments) {
  (void)about;
  (void)count;
  (void)arguments;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin, look_at, NULL);
  return 0;
}
