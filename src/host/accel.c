// SPDX-License-Identifier: Apache-2.0
#include "host/accel.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/strv.h"
#include "host/process.h"
#include "host/programs.h"

#define IMAGE "run/machines/probe"

enum { SECTOR = 512, DONE_STATUS = 0x31 * 2 + 1 };

// A boot sector, at 0x7c00 in real mode.
static const uint8_t boot_code[] = {
	0xfa,                                // cli
	0x31, 0xc0,                          // xor ax, ax
	0x8e, 0xd8,                          // mov ds, ax
	0x0f, 0x01, 0x16, 0x38, 0x7c,        // lgdt [0x7c38]
	0x0f, 0x20, 0xc0,                    // mov eax, cr0
	0x0c, 0x01,                          // or al, 1
	0x0f, 0x22, 0xc0,                    // mov cr0, eax
	0xea, 0x17, 0x7c, 0x08, 0x00,        // jmp 8:0x7c17, 32 bits from here
	0xb9, 0x00, 0xc2, 0xeb, 0x0b,        // mov ecx, 200000000
	0x49,                                // dec ecx
	0x75, 0xfd,                          // jnz to the dec
	0xb0, 0x31,                          // mov al, 0x31
	0xe6, 0xf4,                          // out 0xf4, al: QEMU exits with DONE_STATUS
	0xf4,                                // hlt
	0xeb, 0xfd,                          // jmp to the hlt
	0x90, 0x90,                          // align
	0, 0, 0, 0, 0, 0, 0, 0,              // 0x7c28: descriptors: null,
	0xff, 0xff, 0, 0, 0, 0x9a, 0xcf, 0,  // 0x7c30: flat code
	0x0f, 0x00, 0x28, 0x7c, 0x00, 0x00,  // 0x7c38: their limit and address
};

struct accel_probe {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer timer;
	struct process qemu;
	void (*found)(void *data, bool works);
	void *data;
};

static void on_end(void *data, uint32_t events) {
	struct accel_probe *p = data;
	char words[PROCESS_END_MAX];
	bool clean;
	int status;
	(void)events;
	loop_unwatch(p->loop, &p->io);
	process_reap(&p->qemu, &clean, &status, words);
	loop_cancel(p->loop, &p->timer);
	p->found(p->data, status == DONE_STATUS);
}

// It has had its time: end it, and hear of that as of any other end.
static void on_deadline(void *data) {
	struct accel_probe *p = data;
	process_signal(&p->qemu, SIGKILL);
}

static int run(struct accel_probe *p, const struct accel_trial *trial, struct err *err) {
	uint8_t sector[SECTOR] = {0};
	for (size_t i = 0; i < sizeof(boot_code); i++)
		sector[i] = boot_code[i];
	sector[SECTOR - 2] = 0x55;
	sector[SECTOR - 1] = 0xaa;
	int rc = io_replace_file(IMAGE, sector, sizeof(sector), 0600, err);
	if (rc < 0)
		return rc;

	// The process id's file is named absolutely, like a machine's, so that a QEMU left behind by a dead agent is found.
	_cleanup_free_ char *pid = strv_printf("%s/" IMAGE ".pid", trial->data_dir);
	if (!pid)
		return err_oom(err);
	const char *const argv[] = {PROGRAM_QEMU, "-nodefaults", "-no-user-config", "-display", "none", "-accel", trial->accelerator,
		"-m", "16", "-pidfile", pid, "-blockdev",
		"driver=file,node-name=boot,filename=" IMAGE, "-device", "ide-hd,drive=boot", "-device", "isa-debug-exit,iobase=0xf4,iosize=1", NULL};
	rc = process_spawn(argv, trial->log_fd, trial->log_fd, &p->qemu, err);
	if (rc < 0)
		return rc;
	rc = loop_watch(p->loop, &p->io, p->qemu.fd, EPOLLIN, on_end, p, err);
	if (rc == 0)
		loop_after(p->loop, &p->timer, trial->deadline_ms, on_deadline, p);
	return rc;
}

int accel_probe_new(struct loop *l, const struct accel_trial *trial, void (*found)(void *data, bool works), void *data,
	struct accel_probe **out, struct err *err) {
	struct accel_probe *p = calloc(1, sizeof(*p));
	if (!p)
		return err_oom(err);
	*p = (struct accel_probe){.loop = l, .io = LOOP_IO_NONE, .qemu = PROCESS_NONE, .found = found, .data = data};
	int rc = run(p, trial, err);
	if (rc < 0) {
		accel_probe_free(p);
		return rc;
	}
	*out = p;
	return 0;
}

void accel_probe_free(struct accel_probe *p) {
	if (!p)
		return;
	loop_cancel(p->loop, &p->timer);
	loop_unwatch(p->loop, &p->io);
	process_kill(&p->qemu);
	(void)unlink(IMAGE);
	(void)unlink(IMAGE ".pid");
	free(p);
}
