// SPDX-License-Identifier: Apache-2.0
#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/strv.h"
#include "cli/datadir.h"
#include "cli/environment.h"
#include "cli/lock.h"
#include "cli/programs.h"
#include "cli/record.h"
#include "cli/service.h"

enum { KEEPER, SERVER, HOST, SERVICE_COUNT };

// How long a stop may take before it is forced: the host agent shuts machines down, the server finishes requests.
static const int stop_patience_ms[SERVICE_COUNT] = {[KEEPER] = 10000, [SERVER] = 30000, [HOST] = 60000};

struct supervisor {
	struct supervisor_settings settings;
	struct service services[SERVICE_COUNT];
	const char *phase;
	char *key_path;  // owned
	int lock_fd, signal_fd;
	bool serving;    // everything has served once: what ends from now on is started again
	bool stop;       // asked to stop
	int given_up;    // service that kept failing, or -1
};

static int save(const struct supervisor *s, struct err *err) {
	return record_write(s->settings.data_dir, s->phase, s->settings.listen, s->services, SERVICE_COUNT, err);
}

// A record that cannot be written costs a stale `status`; that is no reason to stop serving disks.
static void save_or_log(const struct supervisor *s) {
	struct err err;
	if (save(s, &err) < 0)
		log_error("%s", err.message);
}

static int prepare_service(struct service *v, const char *name, const char *room, const char *program,
	const char *data_dir, struct err *err) {
	int rc = program_find(room, program, &v->program, err);
	if (rc < 0)
		return rc;
	v->name = name;
	v->ready_fd = -1;
	v->log_path = strv_printf("%s/log/%s.log", data_dir, name);
	v->argv[0] = program;
	return v->log_path ? 0 : err_oom(err);
}

static int prepare_keeper(struct supervisor *s, struct err *err) {
	struct service *v = &s->services[KEEPER];
	int rc = prepare_service(v, "keeper", "keeper", "custodisk-keeper", s->settings.data_dir, err);
	if (rc < 0)
		return rc;
	s->key_path = datadir_file(s->settings.data_dir, "keeper/root.key");
	char *socket_path = v->arguments_owned[0] = datadir_file(s->settings.data_dir, "run/keeper.sock");
	if (!s->key_path || !socket_path)
		return err_oom(err);
	const char *const arguments[] = {"--socket", socket_path, "--key-file", s->key_path};
	memcpy(&v->argv[1], arguments, sizeof(arguments));
	return 0;
}

static int prepare_server(struct supervisor *s, struct err *err) {
	const struct supervisor_settings *settings = &s->settings;
	struct service *v = &s->services[SERVER];
	int rc = prepare_service(v, "server", "server", "custodiskd", settings->data_dir, err);
	if (rc < 0)
		return rc;
	size_t n = 1;
	v->argv[n++] = "--data-dir";
	v->argv[n++] = settings->data_dir;
	if (settings->listen) {
		v->argv[n++] = "--listen";
		v->argv[n++] = settings->listen;
	}
	v->argv[n++] = "--cache-seconds";
	v->argv[n++] = settings->cache_seconds;
	if (settings->strict)
		v->argv[n++] = "--strict";
	if (settings->no_throttling)
		v->argv[n++] = "--no-throttling";
	if (settings->private_webhooks)
		v->argv[n] = "--private-webhooks";
	return 0;
}

static int prepare_host(struct supervisor *s, struct err *err) {
	struct service *v = &s->services[HOST];
	int rc = prepare_service(v, "host", "host", "custodisk-host", s->settings.data_dir, err);
	if (rc < 0)
		return rc;
	v->argv[1] = "--data-dir";
	v->argv[2] = s->settings.data_dir;
	return 0;
}

// From here on signals are read, not delivered; children get an empty mask back when they start.
static int take_signals(struct supervisor *s, struct err *err) {
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGCHLD);
	// A caller that has these ignored (nohup, a script's background job) wants them ignored; blocked signals never are.
	const int optional[] = {SIGINT, SIGHUP};
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		struct sigaction action;
		if (sigaction(optional[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(&mask, optional[i]);
	}
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
		return err_errno(err, -errno, "cannot block signals");
	s->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? err_errno(err, -errno, "cannot read signals") : 0;
}

// Run `custodisk-keeper --make-key-file`, its complaints into the keeper's log.
static int run_key_maker(const struct supervisor *s, struct err *err) {
	const struct service *keeper = &s->services[KEEPER];
	_cleanup_fd_ int log_fd = open(keeper->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (log_fd < 0)
		return err_errno(err, -errno, "cannot open %s", keeper->log_path);
	pid_t pid = fork();
	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		if (dup2(log_fd, STDERR_FILENO) >= 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
			(void)execl(keeper->program, "custodisk-keeper", "--make-key-file", s->key_path, (char *)NULL);
		_exit(127);
	}
	int status;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return err_errno(err, -errno, "cannot run %s", keeper->program);
	if (status != 0) {
		char end[32], words[512];
		service_last_words(keeper, words, sizeof(words));
		return err_set(err, -EIO, 500, "InternalServerError", "the root key cannot be made (%s): %s",
			service_describe_end(status, end, sizeof(end)), words);
	}
	return 0;
}

// A store without its root key is lost data, not a new instance: nothing is silently made anew.
static int make_root_key(const struct supervisor *s, struct err *err) {
	if (datadir_has(s->settings.data_dir, "keeper/root.key"))
		return 0;
	if (datadir_has(s->settings.data_dir, "store/custodisk.db"))
		return err_set(err, -ENOKEY, 500, "InternalServerError",
			"%s is missing but %s/store/custodisk.db holds keys sealed under it; put the root key back from its "
			"backup (a new one would open none of them)",
			s->key_path, s->settings.data_dir);
	return run_key_maker(s, err);
}

static void plan_restart(struct supervisor *s, struct service *v, const char *end) {
	int64_t now = clock_monotonic_ns(), delay;
	if (!backoff_again(&v->backoff, now - v->started_ns, &delay)) {
		log_error("the %s ended again (%s); giving up", v->name, end);
		s->given_up = (int)(v - s->services);
		return;
	}
	log_warning("the %s ended (%s); starting it again in %d ms", v->name, end, (int)(delay / 1000000));
	v->state = SERVICE_WAITING;
	v->due_ns = now + delay;
}

static void reap(struct supervisor *s) {
	int status;
	pid_t pid;
	char end[32];
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (size_t i = 0; i < SERVICE_COUNT; i++) {
			struct service *v = &s->services[i];
			if (v->pid != pid)
				continue;
			service_ended(v);
			v->wait_status = status;
			service_describe_end(status, end, sizeof(end));
			if (s->serving)
				plan_restart(s, v, end);
			else
				log_error("the %s ended (%s)", v->name, end);
			save_or_log(s);
		}
	}
}

static void read_signals(struct supervisor *s) {
	struct signalfd_siginfo info;
	bool child = false;
	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			child = true;
		else
			s->stop = true;
	}
	if (child)
		reap(s);
}

static int poll_timeout_ms(const struct supervisor *s) {
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		const struct service *v = &s->services[i];
		if ((v->state == SERVICE_STARTING || v->state == SERVICE_WAITING) && v->due_ns < least)
			least = v->due_ns;
	}
	if (least == INT64_MAX)
		return -1;
	int64_t left_ms = (least - clock_monotonic_ns() + 999999) / 1000000;
	return left_ms > 0 ? (int)left_ms : 0;
}

// Wait for the next thing to happen, and take note of it.
static int next_event(struct supervisor *s, struct err *err) {
	struct pollfd fds[1 + SERVICE_COUNT] = {{.fd = s->signal_fd, .events = POLLIN}};
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		fds[1 + i] = (struct pollfd){.fd = s->services[i].ready_fd, .events = POLLIN};
	int n = poll(fds, ARRAY_SIZE(fds), poll_timeout_ms(s));
	if (n < 0 && errno != EINTR)
		return err_errno(err, -errno, "cannot wait for events");
	if (n <= 0)
		return 0;
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		if (fds[1 + i].revents && service_ready(&s->services[i])) {
			log_info("the %s serves (process %d)", s->services[i].name, (int)s->services[i].pid);
			save_or_log(s);
		}
	}
	if (fds[0].revents)
		read_signals(s);
	return 0;
}

static int start_failure(const struct service *v, struct err *err) {
	char words[512], end[32];
	service_last_words(v, words, sizeof(words));
	if (!words[0])
		(void)snprintf(words, sizeof(words), "(nothing)");
	if (v->state == SERVICE_STARTING)
		return err_set(err, -ETIMEDOUT, 500, "InternalServerError", "the %s does not become ready; %s says: %s", v->name,
			v->log_path, words);
	return err_set(err, -EIO, 500, "InternalServerError", "the %s ended (%s) before everything was ready; %s says: %s",
		v->name, service_describe_end(v->wait_status, end, sizeof(end)), v->log_path, words);
}

static int start_one(struct supervisor *s, struct service *v, struct err *err) {
	int rc = service_start(v, err);
	if (rc == 0)
		rc = save(s, err);
	while (rc == 0 && v->state == SERVICE_STARTING && !s->stop) {
		if (clock_monotonic_ns() >= v->due_ns)
			return start_failure(v, err);
		rc = next_event(s, err);
	}
	if (rc < 0)
		return rc;
	if (s->stop)
		return err_set(err, -ECANCELED, 500, "InternalServerError", "asked to stop before everything was ready");
	for (size_t i = 0; i < SERVICE_COUNT && &s->services[i] <= v; i++)
		if (s->services[i].state != SERVICE_SERVING)
			return start_failure(&s->services[i], err);
	return 0;
}

static int start_all(struct supervisor *s, struct err *err) {
	int rc = record_end_leftovers(s->settings.data_dir, err);
	if (rc == 0)
		rc = make_root_key(s, err);
	for (size_t i = 0; rc == 0 && i < SERVICE_COUNT; i++)
		rc = start_one(s, &s->services[i], err);
	if (rc < 0)
		return rc;
	s->serving = true;
	s->phase = "serving";
	return save(s, err);
}

int supervisor_start(const struct supervisor_settings *settings, struct supervisor **out, struct err *err) {
	struct supervisor *s = calloc(1, sizeof(*s));
	if (!s) {
		(void)err_oom(err);
		return -ENOMEM;
	}
	s->settings = *settings;
	s->phase = "starting";
	s->lock_fd = s->signal_fd = s->given_up = -1;
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		s->services[i].ready_fd = -1;
	int rc = prepare_keeper(s, err);
	if (rc == 0)
		rc = prepare_server(s, err);
	if (rc == 0)
		rc = prepare_host(s, err);
	if (rc == 0)
		rc = take_signals(s, err);
	if (rc == 0)
		rc = lock_take(settings->data_dir, &s->lock_fd, err);
	if (rc == 0)
		rc = start_all(s, err);
	if (rc < 0) {
		supervisor_stop(s);
		return rc;
	}
	*out = s;
	return 0;
}

static void start_again(struct supervisor *s, struct service *v) {
	struct err err;
	v->restarts++;
	if (service_start(v, &err) < 0) {
		// No process or no descriptor to be had: as good as a process that ended at once.
		v->started_ns = clock_monotonic_ns();
		plan_restart(s, v, err.message);
	}
	save_or_log(s);
}

// Start what is due, end what has been starting for too long.
static void act_on_time(struct supervisor *s) {
	int64_t now = clock_monotonic_ns();
	for (size_t i = 0; i < SERVICE_COUNT; i++) {
		struct service *v = &s->services[i];
		if (now < v->due_ns)
			continue;
		if (v->state == SERVICE_WAITING)
			start_again(s, v);
		else if (v->state == SERVICE_STARTING && v->pid > 0) {
			log_error("the %s does not become ready; ending it", v->name);
			(void)kill(v->pid, SIGKILL);
			v->due_ns = INT64_MAX;
		}
	}
}

int supervisor_serve(struct supervisor *s, struct err *err) {
	while (!s->stop && s->given_up < 0) {
		int rc = next_event(s, err);
		if (rc < 0)
			return rc;
		act_on_time(s);
	}
	if (s->given_up < 0)
		return 0;
	const struct service *v = &s->services[s->given_up];
	char words[512];
	service_last_words(v, words, sizeof(words));
	return err_set(err, -EIO, 500, "InternalServerError", "the %s failed %d times in a row; %s says: %s", v->name,
		BACKOFF_FAILURES_MAX + 1, v->log_path, words[0] ? words : "(nothing)");
}

static void stop_one(struct service *v, int patience_ms) {
	if (v->pid == 0)
		return;
	_cleanup_fd_ int pidfd = pidfd_open(v->pid, 0);
	struct pollfd gone = {.fd = pidfd, .events = POLLIN};
	(void)kill(v->pid, SIGTERM);
	if (pidfd < 0 || poll(&gone, 1, patience_ms) <= 0) {
		log_error("the %s does not stop; killing it", v->name);
		(void)kill(v->pid, SIGKILL);
	}
	int status;
	if (waitpid(v->pid, &status, 0) == v->pid && status != 0) {
		char end[32];
		log_warning("the %s ended with %s", v->name, service_describe_end(status, end, sizeof(end)));
	}
	service_ended(v);
	log_info("the %s has stopped", v->name);
}

void supervisor_stop(struct supervisor *s) {
	if (s->lock_fd >= 0) {
		s->phase = "stopping";
		save_or_log(s);
		for (size_t i = SERVICE_COUNT; i-- > 0;)
			stop_one(&s->services[i], stop_patience_ms[i]);
		struct err err;
		if (record_remove(s->settings.data_dir, &err) < 0)
			log_error("%s", err.message);
	}
	for (size_t i = 0; i < SERVICE_COUNT; i++)
		service_free(&s->services[i]);
	io_closep(&s->signal_fd);
	io_closep(&s->lock_fd);
	free(s->key_path);
	free(s);
}

// Leave the caller's session, terminal, folder and descriptors, all but `keep`: standard streams go to /dev/null and to
// the supervisor's log, and a file or lock of the caller does not live as long as we do.
static int detach(const char *data_dir, int keep, struct err *err) {
	_cleanup_free_ char *path = datadir_file(data_dir, "log/supervisor.log");
	if (!path)
		return err_oom(err);
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	_cleanup_fd_ int log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (null < 0 || log_fd < 0)
		return err_errno(err, -errno, "cannot open %s", path);
	if (setsid() < 0 || chdir("/") < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
		dup2(log_fd, STDERR_FILENO) < 0)
		return err_errno(err, -errno, "cannot leave the caller's session");
	io_closep(&null);
	io_closep(&log_fd);
	unsigned kept = (unsigned)keep;  // above standard error: main() has filled the standard streams
	if ((kept > STDERR_FILENO + 1 && close_range(STDERR_FILENO + 1, kept - 1, 0) < 0) || close_range(kept + 1, ~0U, 0) < 0)
		return err_errno(err, -errno, "cannot close the caller's files");
	return 0;
}

// What the forked supervisor tells: errno and message. Only between these two processes of one executable.
struct outcome {
	int rc;
	struct err err;
};

static int serve_forked(const struct supervisor_settings *settings, int channel_fd) {
	char go;
	if (io_read_full(channel_fd, &go, 1) < 0)
		return 0;
	struct outcome outcome = {0};
	struct supervisor *s = NULL;
	outcome.rc = supervisor_start(settings, &s, &outcome.err);
	// Whoever waits may have been killed meanwhile; a daemon goes on, a bound supervisor has been sent SIGTERM.
	if (io_write_full(channel_fd, &outcome, sizeof(outcome)) < 0)
		log_warning("nobody waits for the start");
	io_closep(&channel_fd);
	if (outcome.rc < 0) {
		log_error("%s", outcome.err.message);
		return 1;
	}
	int rc = supervisor_serve(s, &outcome.err);
	if (rc < 0)
		log_error("%s", outcome.err.message);
	supervisor_stop(s);
	return rc < 0 ? 1 : 0;
}

static _Noreturn void forked(const struct supervisor_settings *settings, bool throwaway, bool bound, pid_t parent,
	int channel_fd) {
	struct outcome outcome = {0};
	log_init("supervisor", LOG_LEVEL_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(0077);
	if (bound && prctl(PR_SET_PDEATHSIG, SIGTERM) < 0)
		_exit(1);
	if (bound && getppid() != parent)
		(void)raise(SIGTERM);
	environment_drop_proxies();
	outcome.rc = detach(settings->data_dir, channel_fd, &outcome.err);
	int status = 1;
	if (outcome.rc < 0) {
		if (io_write_full(channel_fd, &outcome, sizeof(outcome)) < 0)
			log_error("%s", outcome.err.message);
	} else {
		status = serve_forked(settings, channel_fd);
	}
	if (throwaway && datadir_remove(settings->data_dir, &outcome.err) < 0) {
		log_error("%s", outcome.err.message);
		status = 1;
	}
	_exit(status);
}

int supervisor_fork(const struct supervisor_settings *settings, bool throwaway, bool bound, struct supervisor_process *out,
	struct err *err) {
	int channel[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) < 0)
		return err_errno(err, -errno, "cannot make a socket");
	// Blocked before the fork: a signal must not end the child before it reads signals, leaving things behind.
	sigset_t mask, old;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGHUP);
	pid_t parent = getpid();
	int rc = sigprocmask(SIG_BLOCK, &mask, &old) < 0 ? -errno : 0;
	pid_t pid = rc < 0 ? -1 : fork();
	if (pid == 0)
		forked(settings, throwaway, bound, parent, channel[1]);
	if (rc == 0 && pid < 0)
		rc = -errno;
	if (rc == 0 && sigprocmask(SIG_SETMASK, &old, NULL) < 0)
		rc = -errno;
	(void)close(channel[1]);
	if (rc < 0) {
		(void)close(channel[0]);
		return err_errno(err, rc, "cannot start the supervisor");
	}
	*out = (struct supervisor_process){.pid = pid, .channel_fd = channel[0]};
	return 0;
}

int supervisor_go(struct supervisor_process *p, struct err *err) {
	struct outcome outcome = {0};
	int rc = send(p->channel_fd, "g", 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
	if (rc == 0)
		rc = io_read_full(p->channel_fd, &outcome, sizeof(outcome));
	io_closep(&p->channel_fd);
	if (rc < 0)
		return err_errno(err, rc, "the supervisor ended");
	if (outcome.rc < 0 && err)
		*err = outcome.err;
	return outcome.rc;
}

void supervisor_end(struct supervisor_process *p) {
	io_closep(&p->channel_fd);
	if (p->pid <= 0)
		return;
	(void)kill(p->pid, SIGTERM);
	int status;
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	p->pid = 0;
}
