// A plugin of qemu's user-mode emulator: how many instructions a program executed, in all its
// threads.
//   gcc -O2 -shared -fPIC -o count_instructions.so count_instructions.c
//   QEMU_PLUGIN=./count_instructions.so QEMU_LOG=plugin qemu-aarch64 ./program
// prints 'instructions: N' when the program ends. arm.py builds and uses it. Interface version 1
// (qemu 6 and later), declared here because Debian packages no header of it.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t PluginId;
struct qemu_plugin_tb;  // a block of translated instructions
enum { add_u64 = 0 };   // the only operation that is done inline

void qemu_plugin_register_vcpu_tb_trans_cb(PluginId id,
                                           void (*call)(PluginId, struct qemu_plugin_tb*));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, int operation,
                                              void* counter, uint64_t by);
void qemu_plugin_register_atexit_cb(PluginId id, void (*call)(PluginId, void*), void* data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
void qemu_plugin_outs(const char* text);

EXPORT int qemu_plugin_version = 1;

static uint64_t executed;

// Whenever the block runs, its length is added.
static void count_block(PluginId id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, add_u64, &executed,
                                           qemu_plugin_tb_n_insns(block));
}

static void report(PluginId id, void* data) {
  char line[48];
  (void)id;
  (void)data;
  snprintf(line, sizeof line, "instructions: %" PRIu64 "\n", executed);
  qemu_plugin_outs(line);
}

EXPORT int qemu_plugin_install(PluginId id, const void* info, int argc, char** argv) {
  (void)info;
  (void)argc;
  (void)argv;
  qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
  qemu_plugin_register_atexit_cb(id, report, NULL);
  return 0;
}
