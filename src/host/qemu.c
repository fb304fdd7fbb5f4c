// SPDX-License-Identifier: Apache-2.0
#include "host/qemu.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/strv.h"
#include "host/programs.h"

// A disk process that ends is started again; requests wait so long for it before the guest is paused.
enum { RECONNECT_SECONDS = 5 };

const char *accel_name(enum accel a) {
	return a == ACCEL_KVM ? "kvm" : "tcg";
}

char *qemu_monitor_path(const char *vm_id) {
	return strv_printf("run/machines/%s.qmp", vm_id);
}

char *qemu_pid_path(const char *data_dir, const char *vm_id) {
	return strv_printf("%s/run/machines/%s.pid", data_dir, vm_id);
}

char *qemu_disk_socket(const char *unique_id) {
	return strv_printf("run/disks/%s.sock", unique_id);
}

// QEMU's own option syntax separates by commas and doubles those that are meant.
static int escape_commas(const char *text, struct buf *out) {
	int rc = 0;
	for (const char *p = text; *p && rc == 0; p++)
		rc = buf_append(out, *p == ',' ? ",," : p, *p == ',' ? 2 : 1);
	return rc;
}

static void add_accel(struct argv *a, enum accel accel) {
	argv_add(a, "-accel");
	argv_add(a, accel == ACCEL_KVM ? "kvm" : "tcg,thread=multi");
	argv_add(a, "-cpu");
	// Translated code pays for every level of the page tables.
	argv_add(a, accel == ACCEL_KVM ? "host" : "max,la57=off");
}

static void add_disk(struct argv *a, size_t i, const char *unique_id) {
	_cleanup_free_ char *socket = qemu_disk_socket(unique_id);
	_cleanup_json_ json_t *node = socket ? json_pack("{s:s, s:o, s:{s:s, s:s}, s:i, s:s}", "driver", "nbd", "node-name",
		json_sprintf("disk%zu", i), "server", "type", "unix", "path", socket, "reconnect-delay", RECONNECT_SECONDS, "discard",
		"unmap") : NULL;
	_cleanup_free_ char *text = node ? json_text(node) : NULL;
	if (!text)
		a->rc = -ENOMEM;
	argv_add(a, "-blockdev");
	argv_add(a, "%s", text ? text : "");
	argv_add(a, "-device");
	// An I/O error pauses the guest with the request kept, to be done again when it goes on.
	argv_add(a, "virtio-blk-pci,drive=disk%zu,werror=stop,rerror=stop,serial=%.20s,bootindex=%zu", i, unique_id, i);
}

int qemu_argv(const struct qemu_options *o, struct argv *out, struct err *err) {
	_cleanup_argv_ struct argv a = {0};
	const struct desired_machine *m = o->machine;
	_cleanup_free_ char *monitor = qemu_monitor_path(m->vm_id);
	_cleanup_free_ char *pid = qemu_pid_path(o->data_dir, m->vm_id);
	_cleanup_buf_ struct buf dir = {0};
	if (!monitor || !pid || escape_commas(o->data_dir, &dir) < 0)
		return err_oom(err);

	argv_add(&a, PROGRAM_QEMU);
	argv_add(&a, "-nodefaults");
	argv_add(&a, "-no-user-config");
	argv_add(&a, "-display");
	argv_add(&a, "none");
	argv_add(&a, "-sandbox");
	argv_add(&a, "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	argv_add(&a, "-name");
	argv_add(&a, "%s", m->name);
	argv_add(&a, "-uuid");
	argv_add(&a, "%s", m->vm_id);
	argv_add(&a, "-pidfile");
	argv_add(&a, "%s", pid);
	argv_add(&a, "-machine");
	argv_add(&a, "pc");
	add_accel(&a, o->accel);
	argv_add(&a, "-smp");
	argv_add(&a, "%lld", (long long)m->cpus);
	argv_add(&a, "-m");
	argv_add(&a, "%lldM", (long long)m->memory_mib);
	argv_add(&a, "-chardev");
	argv_add(&a, "socket,id=monitor,path=%s,server=on,wait=off", monitor);
	argv_add(&a, "-mon");
	argv_add(&a, "chardev=monitor,mode=control");
	argv_add(&a, "-chardev");
	argv_add(&a, "file,id=serial,append=on,path=%s/serial/%s.log", buf_cstr(&dir), m->name);
	argv_add(&a, "-serial");
	argv_add(&a, "chardev:serial");
	for (size_t i = 0; i < m->disk_count; i++)
		add_disk(&a, i, o->unique_ids[i]);
	int rc = argv_check(&a, err);
	if (rc < 0)
		return rc;
	*out = a;
	a = (struct argv){0};
	return 0;
}
