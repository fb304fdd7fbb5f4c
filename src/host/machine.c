// SPDX-License-Identifier: Apache-2.0
#include "host/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/strv.h"
#include "host/disk_server.h"
#include "host/qmp.h"

enum {
	CONNECT_MS = 100,            // between attempts to reach QEMU's monitor
	LAUNCH_MS = 30000,           // until QEMU must have answered
	BUTTON_MS = 2000,            // between presses of the power button: a guest that boots misses the first ones
	GRACE_MS = 30000,            // for a guest to turn itself off
	SHUT_DOWN_GRACE_MS = 5000,   // the same when the agent ends
	QUIT_MS = 5000,              // for QEMU to end before it is killed
	RESUME_FIRST_MS = 50,        // before a paused guest goes on, and goes on failing …
	RESUME_MAX_MS = 30000,       // … and at most
	GOOD_SECONDS = 60,           // a guest that ran so long is tried again at once
};

enum state {
	OFF,        // nothing runs
	WAITING,    // for a disk that is being made, or to know how guests are run
	OPENING,    // the disks' keys are being asked for
	LAUNCHING,  // QEMU has been started and has not answered yet
	RUNNING,
	STOPPING,  // QEMU is to end
	STOPPED,   // QEMU has ended; the disks are open
	CLOSING,   // the disks are being closed
};

struct machine {
	struct host *host;
	const struct machine_handler *handler;
	void *data;
	struct desired_machine want;
	bool unwanted;  // not in the desired state any more
	bool ending;    // the agent ends
	enum state state;
	int64_t acting;   // the generation that is being brought about
	int64_t settled;  // the one that has been reported on; -1 for none
	enum power power;  // as reported for it
	struct err failure;  // why a start or a run failed; no code for none
	struct disk_server servers[DESIRED_MACHINE_DISKS_MAX];
	size_t server_count;
	struct process qemu;
	struct loop_io io;
	struct qmp *qmp;
	bool answering;        // QEMU takes commands
	bool failing;          // a request has failed, and QEMU is about to pause the guest
	bool paused;           // by a request that failed
	bool guest_ended;      // the guest turned itself off
	int64_t resume_ms;     // before the next attempt to go on; 0 after a good one
	int64_t resumed_ns;    // when it went on last
	struct loop_timer connect, launch, stop, button, resume;
	json_t *io_report;     // last one sent
};

static void on_qmp_ready(void *data);
static void on_qmp_event(void *data, const char *name, const json_t *event_data);
static void on_qmp_reply(void *data, const char *command, const json_t *value);
static void on_qmp_closed(void *data, const struct err *why);
static const struct qmp_handler qmp_handler = {
	.ready = on_qmp_ready, .event = on_qmp_event, .reply = on_qmp_reply, .closed = on_qmp_closed};

static void on_server_changed(void *data) {
	machine_step(data);
}

static enum power goal(const struct machine *m) {
	return m->ending || m->unwanted ? POWER_DEALLOCATED : m->want.power;
}

static bool is_settled(const struct machine *m) {
	return m->settled == m->want.generation;
}

// Records and reports

static void fill_record(const struct machine *m, struct machine_record *r) {
	*r = (struct machine_record){
		.machine = m->want, .settled = m->settled == m->want.generation, .power = m->power};
	(void)snprintf(r->boot_id, sizeof(r->boot_id), "%s", m->host->boot_id);
	(void)snprintf(r->error_code, sizeof(r->error_code), "%s", m->failure.code);
	(void)snprintf(r->error_message, sizeof(r->error_message), "%s", m->failure.message);
	r->qemu = m->qemu.pid;
	r->qemu_start = m->qemu.start;
	for (size_t i = 0; i < m->server_count; i++) {
		const struct disk_server *s = &m->servers[i];
		if (s->process.pid == 0)
			continue;
		r->servers[r->server_count].pid = s->process.pid;
		r->servers[r->server_count].start = s->process.start;
		memcpy(r->servers[r->server_count++].unique_id, s->unique_id, sizeof(s->unique_id));
	}
}

// Without it the next agent ends what runs and starts it anew, so a failure is only complained of.
static void write_record(const struct machine *m) {
	_cleanup_free_ char *path = host_machine_run(m->host, m->want.vm_id, HOST_RECORD);
	struct machine_record *r = malloc(sizeof(*r));
	struct err err = {0};
	if (r)
		fill_record(m, r);
	int rc = path && r ? machine_record_write(path, r, &err) : err_oom(&err);
	if (rc < 0)
		host_complain("cannot write a machine's record", &err);
	free(r);
}

static void remove_record(const struct machine *m) {
	_cleanup_free_ char *path = host_machine_run(m->host, m->want.vm_id, HOST_RECORD);
	if (path)
		(void)unlink(path);
}

// Why requests of the guest fail, or NULL.
static const struct err *io_failure(const struct machine *m) {
	static const struct err unexplained = {.status = 500, .code = "DiskError",
		.message = "Requests of the guest fail although its disks are open."};
	for (size_t i = 0; i < m->server_count; i++)
		if (!disk_server_serves(&m->servers[i]))
			return &m->servers[i].why;
	return m->paused && m->resume_ms > RESUME_FIRST_MS ? &unexplained : NULL;
}

static json_t *io_json(const struct machine *m) {
	const struct err *why = io_failure(m);
	if (!why)
		return json_pack("{s:s}", "state", "ok");
	return json_pack("{s:s, s:o, s:o}", "state", "failed", "code", json_lossy(why->code), "message", json_lossy(why->message));
}

static json_t *make_report(const struct machine *m) {
	_cleanup_json_ json_t *report = json_pack("{s:s, s:I, s:s}", "id", m->want.id, "generation", (json_int_t)m->settled, "powerState",
		power_name(m->power));
	int rc = report ? 0 : -ENOMEM;
	if (rc == 0 && m->failure.code[0])
		rc = json_set(report, "error", json_error(m->failure.code, m->failure.message));
	if (rc == 0 && m->state == RUNNING)
		rc = json_set(report, "io", json_incref(m->io_report));
	return rc < 0 ? NULL : TAKE_PTR(report);
}

static void send_report(struct machine *m) {
	struct err err = {0};
	if (m->unwanted || m->ending)
		return;
	if (outbox_put(m->host->outbox, REPORT_MACHINE, make_report(m), &err) < 0)
		host_complain("cannot report a machine", &err);
}

// Tell when the guest's requests begin to fail or to succeed.
static void check_io(struct machine *m) {
	json_t *now = io_json(m);
	if (m->state != RUNNING || json_equal(now, m->io_report)) {
		json_decref(now);
		return;
	}
	json_decref(m->io_report);
	m->io_report = now;
	const struct err *why = io_failure(m);
	if (why)
		log_warning("machine %s: requests fail: %s: %s", m->want.name, why->code, why->message);
	else
		log_info("machine %s: requests succeed", m->want.name);
	if (is_settled(m))
		send_report(m);
}

static void settle(struct machine *m, enum power power) {
	m->settled = m->want.generation;
	m->power = power;
	log_info("machine %s: generation %lld is %s%s%s", m->want.name, (long long)m->settled, power_name(power),
		m->failure.code[0] ? ": " : "", m->failure.code);
	// What the agent turns off because it ends shall run again: the record is left as it was, and removed at the end.
	if (m->ending || m->unwanted)
		return;
	write_record(m);
	send_report(m);
}

// Disks

static void close_disks(struct machine *m) {
	m->state = CLOSING;
	for (size_t i = 0; i < m->server_count; i++)
		disk_server_stop(&m->servers[i]);
}

static bool disks_closed(const struct machine *m) {
	for (size_t i = 0; i < m->server_count; i++)
		if (m->servers[i].state != SERVER_CLOSED)
			return false;
	return true;
}

static void free_servers(struct machine *m) {
	for (size_t i = 0; i < m->server_count; i++)
		disk_server_free(&m->servers[i]);
	m->server_count = 0;
}

static void fail_start(struct machine *m, const struct err *why) {
	m->failure = *why;
	log_warning("machine %s does not start: %s: %s", m->want.name, why->code, why->message);
	loop_cancel(m->host->loop, &m->launch);
	loop_cancel(m->host->loop, &m->connect);
	close_disks(m);
}

static int open_disks(struct machine *m, struct err *err) {
	const struct desired_disk *disks[DESIRED_MACHINE_DISKS_MAX];
	for (size_t i = 0; i < m->want.disk_count; i++) {
		int rc = m->handler->disk(m->data, m->want.disks[i], &disks[i], err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < m->want.disk_count; i++) {
		int rc = disk_server_configure(m->host, disks[i], err);
		if (rc < 0)
			return rc;
		disk_server_init(&m->servers[i], m->host, disks[i]->unique_id, on_server_changed, m);
		m->server_count++;
		rc = disk_server_start(&m->servers[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

// QEMU

static void send_command(struct machine *m, const char *command) {
	struct err err = {0};
	if (m->answering && qmp_send(m->qmp, command, &err) < 0)
		host_complain("cannot command a machine", &err);
}

static void on_connect(void *data) {
	struct machine *m = data;
	struct err err = {0};
	_cleanup_free_ char *path = qemu_monitor_path(m->want.vm_id);
	if (!path || qmp_connect(m->host->loop, path, &qmp_handler, m, &m->qmp, &err) < 0)
		loop_after(m->host->loop, &m->connect, CONNECT_MS, on_connect, m);
}

static void disconnect(struct machine *m) {
	qmp_free(m->qmp);
	m->qmp = NULL;
	m->answering = false;
}

static void on_quit_deadline(void *data) {
	struct machine *m = data;
	process_signal(&m->qemu, SIGKILL);
}

// SIGTERM makes QEMU end in order: it writes out what it holds.
static void quit(struct machine *m) {
	loop_cancel(m->host->loop, &m->button);
	loop_cancel(m->host->loop, &m->launch);
	process_signal(&m->qemu, SIGTERM);
	loop_after(m->host->loop, &m->stop, QUIT_MS, on_quit_deadline, m);
}

static void on_grace_over(void *data) {
	quit(data);
}

static void press_button(void *data) {
	struct machine *m = data;
	send_command(m, "system_powerdown");
	loop_after(m->host->loop, &m->button, BUTTON_MS, press_button, m);
}

// A guest that is paused, or has not begun to run, cannot turn itself off.
static void stop(struct machine *m) {
	bool can_answer = m->state == RUNNING && m->answering && !m->paused && !m->want.skip_shutdown;
	m->state = STOPPING;
	loop_cancel(m->host->loop, &m->resume);
	if (!can_answer) {
		quit(m);
		return;
	}
	loop_after(m->host->loop, &m->stop, m->ending ? SHUT_DOWN_GRACE_MS : GRACE_MS, on_grace_over, m);
	press_button(m);
}

static void remove_qemu_traces(const struct machine *m) {
	_cleanup_free_ char *monitor = qemu_monitor_path(m->want.vm_id);
	_cleanup_free_ char *pid = qemu_pid_path(m->host->data_dir, m->want.vm_id);
	if (monitor)
		(void)unlink(monitor);
	if (pid)
		(void)unlink(pid);
}

static void after_run(struct machine *m, bool clean, const char *words) {
	m->state = STOPPED;
	if (!m->guest_ended && !clean)
		(void)err_set(&m->failure, -EIO, 500, "HypervisorProcessFailed", "The machine's QEMU %s; the host's log may say why.", words);
	else if (!m->guest_ended)
		(void)err_set(&m->failure, -EIO, 500, "HypervisorProcessEnded", "The machine's QEMU was ended by someone else.");
	settle(m, POWER_STOPPED);
}

static void on_qemu_end(void *data, uint32_t events) {
	struct machine *m = data;
	struct loop *loop = m->host->loop;
	char words[PROCESS_END_MAX];
	bool clean;
	int status;
	(void)events;
	loop_unwatch(loop, &m->io);
	process_reap(&m->qemu, &clean, &status, words);
	disconnect(m);
	struct loop_timer *timers[] = {&m->connect, &m->launch, &m->stop, &m->button, &m->resume};
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		loop_cancel(loop, timers[i]);
	remove_qemu_traces(m);
	m->failing = m->paused = false;
	if (m->state == LAUNCHING) {
		struct err err = {0};
		(void)err_set(&err, -EIO, 500, "HypervisorProcessFailed", "The machine's QEMU %s; the host's log may say why.", words);
		fail_start(m, &err);
	} else if (m->state == RUNNING) {
		after_run(m, clean, words);
	} else {
		m->state = STOPPED;
	}
	machine_step(m);
}

static void on_launch_deadline(void *data) {
	struct machine *m = data;
	process_signal(&m->qemu, SIGKILL);
}

static int watch_qemu(struct machine *m, struct err *err) {
	int rc = loop_watch(m->host->loop, &m->io, m->qemu.fd, EPOLLIN, on_qemu_end, m, err);
	if (rc == 0)
		loop_after(m->host->loop, &m->connect, CONNECT_MS, on_connect, m);
	return rc;
}

static int launch(struct machine *m, enum accel accel, struct err *err) {
	_cleanup_argv_ struct argv argv = {0};
	struct qemu_options options = {.machine = &m->want, .data_dir = m->host->data_dir, .accel = accel};
	for (size_t i = 0; i < m->server_count; i++)
		options.unique_ids[i] = m->servers[i].unique_id;
	remove_qemu_traces(m);
	int rc = qemu_argv(&options, &argv, err);
	if (rc == 0)
		rc = process_spawn((const char *const *)argv.items, m->host->log_fd, m->host->log_fd, &m->qemu, err);
	if (rc == 0)
		rc = watch_qemu(m, err);
	if (rc < 0) {
		process_kill(&m->qemu);
		return rc;
	}
	m->guest_ended = m->failing = m->paused = false;
	m->state = LAUNCHING;
	loop_after(m->host->loop, &m->launch, LAUNCH_MS, on_launch_deadline, m);
	log_info("machine %s: QEMU is process %d, accelerated by %s", m->want.name, (int)m->qemu.pid, accel_name(accel));
	return 0;
}

static void on_running(struct machine *m) {
	loop_cancel(m->host->loop, &m->launch);
	m->state = RUNNING;
	m->resume_ms = 0;
	for (size_t i = 0; i < m->server_count; i++)
		m->servers[i].keep = true;
	json_decref(m->io_report);
	m->io_report = io_json(m);
	settle(m, POWER_RUNNING);
}

static void on_qmp_ready(void *data) {
	struct machine *m = data;
	m->answering = true;
	if (m->state == LAUNCHING) {
		on_running(m);
		machine_step(m);
	} else if (m->state == RUNNING) {
		// A connection anew: what has happened in between has to be asked for.
		send_command(m, "query-status");
	}
}

// Pausing and resuming: QEMU keeps a request that failed and does it again when the guest goes on.

static void on_resume(void *data) {
	struct machine *m = data;
	log_info("machine %s: goes on", m->want.name);
	send_command(m, "cont");
}

static void resume_if_possible(struct machine *m) {
	if (m->state != RUNNING || !m->paused || m->resume.set)
		return;
	for (size_t i = 0; i < m->server_count; i++)
		if (!disk_server_serves(&m->servers[i])) {
			m->resume_ms = 0;
			return;
		}
	if (clock_monotonic_ns() - m->resumed_ns > GOOD_SECONDS * CLOCK_NSEC_PER_SEC)
		m->resume_ms = 0;
	// When it fails again although the disks are open, it is tried less and less often.
	m->resume_ms = m->resume_ms == 0 ? RESUME_FIRST_MS : m->resume_ms * 4 > RESUME_MAX_MS ? RESUME_MAX_MS : m->resume_ms * 4;
	loop_after(m->host->loop, &m->resume, m->resume_ms, on_resume, m);
}

static void on_paused(struct machine *m) {
	if (!m->paused)
		log_warning("machine %s: paused: a request to its disk failed", m->want.name);
	m->paused = true;
	machine_step(m);
}

static void on_qmp_event(void *data, const char *name, const json_t *event_data) {
	struct machine *m = data;
	if (strcmp(name, "SHUTDOWN") == 0) {
		m->guest_ended = json_bool(event_data, "guest", false);
	} else if (strcmp(name, "BLOCK_IO_ERROR") == 0) {
		const char *action = json_str(event_data, "action");
		if (action && strcmp(action, "stop") == 0)
			m->failing = true;
	} else if (strcmp(name, "STOP") == 0) {
		// Only now: a guest that is told to go on before it has been paused does not do the request again.
		if (m->failing)
			on_paused(m);
	} else if (strcmp(name, "RESUME") == 0) {
		m->failing = m->paused = false;
		m->resumed_ns = clock_monotonic_ns();
		machine_step(m);
	}
}

static void on_qmp_reply(void *data, const char *command, const json_t *value) {
	struct machine *m = data;
	if (strcmp(command, "cont") == 0 && m->paused)
		// It has not gone on; what is the matter is asked for, and tried again.
		send_command(m, "query-status");
	if (strcmp(command, "query-status") != 0)
		return;
	const char *status = json_str(value, "status");
	if (status && strcmp(status, "io-error") == 0) {
		on_paused(m);
	} else if (status && strcmp(status, "running") == 0) {
		m->paused = false;
		machine_step(m);
	}
}

static void on_qmp_closed(void *data, const struct err *why) {
	struct machine *m = data;
	// Usually because QEMU ends, which is heard of by its descriptor.
	log_debug("machine %s: %s", m->want.name, why->message);
	disconnect(m);
	loop_after(m->host->loop, &m->connect, CONNECT_MS, on_connect, m);
}

// Steps

static void begin_start(struct machine *m) {
	m->acting = m->want.generation;
	m->failure = (struct err){0};
	m->state = WAITING;
}

static bool step_off(struct machine *m) {
	free_servers(m);
	if (m->failure.code[0] && !is_settled(m) && m->acting == m->want.generation) {
		settle(m, POWER_DEALLOCATED);
		return false;
	}
	if (is_settled(m) || m->ending || m->unwanted)
		return false;
	if (goal(m) == POWER_RUNNING) {
		begin_start(m);
		return true;
	}
	m->failure = (struct err){0};
	settle(m, goal(m));
	return false;
}

static bool step_waiting(struct machine *m) {
	struct err err = {0};
	enum accel accel;
	if (goal(m) != POWER_RUNNING || m->acting != m->want.generation) {
		m->state = m->server_count > 0 ? STOPPED : OFF;
		return true;
	}
	int rc = m->handler->accel(m->data, &accel, &err);
	if (rc == 0 && m->server_count == 0)
		rc = open_disks(m, &err);
	if (rc == -EAGAIN)
		return false;
	if (rc < 0) {
		fail_start(m, &err);
		return true;
	}
	m->state = OPENING;
	write_record(m);
	return true;
}

static bool step_opening(struct machine *m) {
	struct err err = {0};
	enum accel accel;
	if (goal(m) != POWER_RUNNING) {
		close_disks(m);
		return true;
	}
	for (size_t i = 0; i < m->server_count; i++) {
		const struct disk_server *s = &m->servers[i];
		if (s->state == SERVER_OPENING)
			return false;
		if (!disk_server_serves(s)) {
			err = s->why;
			fail_start(m, &err);
			return true;
		}
	}
	int rc = m->handler->accel(m->data, &accel, &err);
	if (rc == 0)
		rc = launch(m, accel, &err);
	if (rc < 0) {
		fail_start(m, &err);
		return true;
	}
	write_record(m);
	return true;
}

static bool step_running(struct machine *m) {
	if (goal(m) != POWER_RUNNING) {
		stop(m);
		return false;
	}
	if (!is_settled(m)) {
		m->failure = (struct err){0};
		settle(m, POWER_RUNNING);
	}
	resume_if_possible(m);
	check_io(m);
	return false;
}

static bool step_stopped(struct machine *m) {
	if (goal(m) == POWER_DEALLOCATED) {
		close_disks(m);
		return true;
	}
	if (is_settled(m))
		return false;
	m->failure = (struct err){0};
	if (goal(m) == POWER_STOPPED) {
		settle(m, POWER_STOPPED);
		return false;
	}
	begin_start(m);
	return true;
}

static bool step_closing(struct machine *m) {
	if (!disks_closed(m))
		return false;
	m->state = OFF;
	return true;
}

// One step towards the goal; true when another one may follow at once.
static bool step_once(struct machine *m) {
	switch (m->state) {
	case OFF:
		return step_off(m);
	case WAITING:
		return step_waiting(m);
	case OPENING:
		return step_opening(m);
	case LAUNCHING:
		if (goal(m) != POWER_RUNNING)
			stop(m);
		return false;
	case RUNNING:
		return step_running(m);
	case STOPPING:
		return false;
	case STOPPED:
		return step_stopped(m);
	case CLOSING:
		return step_closing(m);
	}
	return false;
}

void machine_step(struct machine *m) {
	enum state before = m->state;
	while (step_once(m))
		;
	if (m->state == OFF && m->unwanted)
		remove_record(m);
	if (m->state == OFF && before != OFF)
		m->handler->resting(m->data);
}

// Life

int machine_new(struct host *host, const struct desired_machine *want, const struct machine_handler *handler, void *data,
	struct machine **out, struct err *err) {
	struct machine *m = calloc(1, sizeof(*m));
	if (!m)
		return err_oom(err);
	*m = (struct machine){.host = host, .handler = handler, .data = data, .acting = -1, .settled = -1, .power = POWER_DEALLOCATED,
		.qemu = PROCESS_NONE, .io = LOOP_IO_NONE};
	desired_machine_copy(want, &m->want);
	*out = m;
	return 0;
}

void machine_free(struct machine *m) {
	if (!m)
		return;
	struct loop_timer *timers[] = {&m->connect, &m->launch, &m->stop, &m->button, &m->resume};
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		loop_cancel(m->host->loop, timers[i]);
	disconnect(m);
	loop_unwatch(m->host->loop, &m->io);
	process_forget(&m->qemu);
	free_servers(m);
	json_decref(m->io_report);
	desired_machine_free(&m->want);
	free(m);
}

static int adopt(struct machine *m, const struct machine_record *r, struct err *err) {
	int rc = process_adopt(r->qemu, r->qemu_start, &m->qemu);
	if (rc < 0)
		return err_errno(err, rc, "cannot take over QEMU of machine %s", m->want.name);
	for (size_t i = 0; i < r->server_count; i++) {
		struct disk_server *s = &m->servers[i];
		disk_server_init(s, m->host, r->servers[i].unique_id, on_server_changed, m);
		m->server_count++;
		rc = disk_server_adopt(s, r->servers[i].pid, r->servers[i].start, err);
		if (rc == -ESRCH) {
			// QEMU waits for it at its socket.
			s->keep = true;
			rc = disk_server_start(s, err);
		}
		if (rc < 0)
			return rc;
	}
	return watch_qemu(m, err);
}

void machine_recall(struct machine *m, const struct machine_record *r) {
	struct err err = {0};
	bool ran = r->settled && r->power == POWER_RUNNING;
	if (r->settled && !ran) {
		m->settled = r->machine.generation;
		m->power = r->power;
		(void)snprintf(m->failure.code, sizeof(m->failure.code), "%s", r->error_code);
		(void)snprintf(m->failure.message, sizeof(m->failure.message), "%s", r->error_message);
		send_report(m);
		return;
	}
	// What was on its way is begun again, and so is what ended while nobody watched.
	if (!ran || r->qemu == 0 || strcmp(r->boot_id, m->host->boot_id) != 0)
		return;
	if (adopt(m, r, &err) < 0) {
		host_complain("a machine is started anew", &err);
		process_forget(&m->qemu);
		loop_unwatch(m->host->loop, &m->io);
		free_servers(m);
		return;
	}
	log_info("machine %s: took over QEMU, process %d", m->want.name, (int)m->qemu.pid);
	m->state = RUNNING;
	m->settled = r->machine.generation;
	m->power = POWER_RUNNING;
	m->io_report = io_json(m);
	send_report(m);
}

void machine_want(struct machine *m, const struct desired_machine *want) {
	// What has been done since it was forgotten was not what is wanted now.
	if (m->unwanted)
		m->settled = -1;
	m->unwanted = false;
	desired_machine_copy(want, &m->want);
	machine_step(m);
}

void machine_forget(struct machine *m) {
	m->unwanted = true;
	machine_step(m);
}

void machine_shut_down(struct machine *m) {
	bool ran = m->state != OFF && m->state != STOPPED;
	m->ending = true;
	// Without a record the next agent brings the machine to its desired state, as if it had never run.
	if (ran)
		remove_record(m);
	machine_step(m);
}

void machine_file_changed(struct machine *m, const char *name) {
	for (size_t i = 0; i < m->server_count; i++)
		disk_server_file_changed(&m->servers[i], name);
}

const char *machine_vm_id(const struct machine *m) {
	return m->want.vm_id;
}

bool machine_uses(const struct machine *m, const char *unique_id) {
	for (size_t i = 0; i < m->server_count; i++)
		if (strv_eq_nocase(m->servers[i].unique_id, unique_id))
			return true;
	return false;
}

bool machine_owns(const struct machine *m, pid_t pid) {
	if (m->qemu.pid == pid)
		return true;
	for (size_t i = 0; i < m->server_count; i++)
		if (m->servers[i].process.pid == pid)
			return true;
	return false;
}

bool machine_off(const struct machine *m) {
	return m->state == OFF;
}

bool machine_forgotten(const struct machine *m) {
	return m->unwanted && m->state == OFF;
}
