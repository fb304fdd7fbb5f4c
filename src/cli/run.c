// SPDX-License-Identifier: Apache-2.0
// custodisk run: a command in a place where Azure's names are custodisk's and nothing else can be reached.
//
// This process enters the namespaces itself and is the parent of everything: the supervisor (forked before, so it
// stays outside), dnsmasq, the command. What it holds for the server, the listening sockets and the control
// connections, lives as long as it does.
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/strv.h"
#include "cli/backoff.h"
#include "cli/cli.h"
#include "cli/datadir.h"
#include "cli/environment.h"
#include "cli/lock.h"
#include "cli/names.h"
#include "cli/namespace.h"
#include "cli/run.h"
#include "cli/supervisor.h"
#include "cli/up.h"

enum {
	CONTROL_REPLY_S = 10,   // how long the server may take to accept a socket
	CONTROL_RETRY_MS = 100, // while the server is being started again
	IDENTITY_MAX = 511,     // bytes of an ARM id
};

static const int forwarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

// A listening socket of the namespace, and the connection that makes the server serve it.
struct handed {
	const char *protocol;
	const char *identity;  // ARM id of who its visitors are, or NULL
	unsigned port;
	int listen_fd, control_fd;
};

struct run {
	char *data_dir;  // owned
	bool throwaway;
	struct supervisor_process supervisor;  // pid 0 when the instance was running before
	struct name_server names;
	struct backoff names_backoff;
	int64_t names_started_ns, names_due_ns;
	char *names_log;   // owned
	char *ca_bundle;   // owned
	struct bootstrap principal;
	char *identity_header;  // owned; of the identity that the command is, or NULL
	struct handed handed[2];
	sigset_t caller_mask;
	int signal_fd;
	pid_t command;
	int wait_status;
};

bool run_forwards(int si_code) {
	return si_code != SI_KERNEL;
}

int run_exit_status(int wait_status) {
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

int run_parse(int argc, char **argv, struct run_options *out) {
	static const struct option options[] = {
		{"data-dir", required_argument, NULL, 'd'},
		{"strict", no_argument, NULL, 's'},
		{"no-throttling", no_argument, NULL, 't'},
		{"private-webhooks", no_argument, NULL, 'w'},
		{"cache-seconds", required_argument, NULL, 'c'},
		{"identity", required_argument, NULL, 'i'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	struct run_options o = {0};
	int opt;
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			o.data_dir = optarg;
			break;
		case 's':
			o.strict = true;
			break;
		case 't':
			o.no_throttling = true;
			break;
		case 'w':
			o.private_webhooks = true;
			break;
		case 'c':
			if (up_take_cache_seconds(&cli_run, optarg, &o.cache_seconds) != CLI_OK)
				return CLI_USAGE;
			break;
		case 'i':
			if (optarg[0] != '/' || strlen(optarg) > IDENTITY_MAX || strpbrk(optarg, "\r\n"))
				return cli_usage_error(&cli_run, "'%s' is not the id of a managed identity (/subscriptions/...)", optarg);
			o.identity = optarg;
			break;
		case 'h':
			o.help = true;
			break;
		default:
			return cli_bad_option(&cli_run, opt, argv);
		}
	}
	if (optind >= argc && !o.help)
		return cli_usage_error(&cli_run, "no command given");
	o.command = argv + optind;
	*out = o;
	return CLI_OK;
}

static int take_signals(struct run *r, struct err *err) {
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		sigaddset(&mask, forwarded[i]);
	if (signal(SIGCHLD, SIG_DFL) == SIG_ERR || sigprocmask(SIG_BLOCK, &mask, &r->caller_mask) < 0)
		return err_errno(err, -errno, "cannot block signals");
	r->signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return r->signal_fd < 0 ? err_errno(err, -errno, "cannot read signals") : 0;
}

static int find_data_dir(struct run *r, const char *option, struct err *err) {
	const char *env = getenv("CUSTODISK_DATA_DIR");
	r->throwaway = !option && !(env && env[0]);
	if (r->throwaway)
		return datadir_make_throwaway(&r->data_dir, err);
	return datadir_make(option ? option : env, &r->data_dir, err);
}

// Fork the supervisor when nobody serves this data directory. It waits outside for the namespaces to be there.
static int prepare_instance(struct run *r, const struct run_options *o, struct err *err) {
	struct lock_holder holder;
	int rc = lock_find(r->data_dir, &holder, err);
	if (rc < 0)
		return rc;
	if (holder.held && (o->strict || o->no_throttling || o->private_webhooks || o->cache_seconds))
		return err_set(err, -EALREADY, 409, "Conflict",
			"custodisk is already running on %s; --strict, --no-throttling, --private-webhooks and --cache-seconds are "
			"for an instance that run starts",
			r->data_dir);
	if (holder.held)
		return 0;
	const struct supervisor_settings settings = {
		.data_dir = r->data_dir,
		.cache_seconds = o->cache_seconds ? o->cache_seconds : UP_DEFAULT_CACHE_SECONDS,
		.strict = o->strict,
		.no_throttling = o->no_throttling,
		.private_webhooks = o->private_webhooks,
	};
	return supervisor_fork(&settings, r->throwaway, true, &r->supervisor, err);
}

static int cover_files(struct run *r, struct err *err) {
	_cleanup_free_ char *scratch = datadir_file(r->data_dir, "run/cover.XXXXXX");
	if (!scratch)
		return err_oom(err);
	if (!mkdtemp(scratch))
		return err_errno(err, -errno, "cannot create %s", scratch);
	int rc = namespace_cover_files(r->data_dir, scratch, &r->ca_bundle, err);
	if (rmdir(scratch) < 0 && rc == 0)
		rc = err_errno(err, -errno, "cannot remove %s", scratch);
	return rc;
}

static int start_names(struct run *r, struct err *err) {
	r->names_started_ns = clock_monotonic_ns();
	return names_start(&r->names, err);
}

// "ok", or "ok {header}" when the visitors have an identity.
static int take_answer(struct run *r, const char *reply, const struct handed *h, struct err *err) {
	bool ok = strncmp(reply, "ok", 2) == 0 && reply[2] == (h->identity ? ' ' : 0);
	if (!ok)
		return err_set(err, -EIO, 500, "InternalServerError", "the server does not take a socket: %s", reply);
	if (!h->identity)
		return 0;
	char *header = strdup(reply + 3);
	if (!header)
		return err_oom(err);
	free(r->identity_header);
	r->identity_header = header;
	return 0;
}

// Give the server a listening socket (server/listeners.h).
static int hand_over(struct run *r, struct handed *h, struct err *err) {
	// A server that stopped in order has shut the socket down, which all holders of it feel.
	int rc = namespace_relisten(h->listen_fd, err);
	if (rc < 0)
		return rc;
	_cleanup_free_ char *path = datadir_file(r->data_dir, "run/control.sock");
	_cleanup_free_ char *message = strv_printf("%s%s%s", h->protocol, h->identity ? " " : "", h->identity ? h->identity : "");
	if (!path || !message)
		return err_oom(err);
	_cleanup_fd_ int control = io_unix_connect(path, SOCK_SEQPACKET, err);
	if (control < 0)
		return control;
	const struct timeval patience = {.tv_sec = CONTROL_REPLY_S};
	if (setsockopt(control, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return err_errno(err, -errno, "cannot bound the wait for the server");
	rc = io_send_fds(control, message, strlen(message), &h->listen_fd, 1);
	if (rc < 0)
		return err_errno(err, rc, "cannot hand a socket to the server");
	char reply[512];
	size_t none;
	ssize_t n = io_recv_fds(control, reply, sizeof(reply) - 1, NULL, 0, &none);
	if (n <= 0)
		return err_errno(err, n < 0 ? (int)n : -ECONNRESET, "the server does not take a socket");
	reply[n] = 0;
	if ((rc = take_answer(r, reply, h, err)) < 0)
		return rc;
	h->control_fd = TAKE_FD(control);
	return 0;
}

static int open_sockets(struct run *r, struct err *err) {
	for (size_t i = 0; i < ARRAY_SIZE(r->handed); i++) {
		struct handed *h = &r->handed[i];
		h->listen_fd = namespace_listen(h->port, err);
		if (h->listen_fd < 0)
			return h->listen_fd;
		int rc = hand_over(r, h, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int prepare(struct run *r, const struct run_options *o, struct err *err) {
	int rc = take_signals(r, err);
	if (rc == 0)
		rc = names_find(&r->names, err);
	if (rc == 0)
		rc = find_data_dir(r, o->data_dir, err);
	if (rc == 0)
		rc = prepare_instance(r, o, err);
	if (rc == 0)
		rc = namespace_enter(&r->names.keep_user, err);
	if (rc == 0 && r->supervisor.pid > 0)
		rc = supervisor_go(&r->supervisor, err);
	if (rc == 0)
		rc = bootstrap_read(r->data_dir, &r->principal, err);
	if (rc == 0)
		rc = cover_files(r, err);
	if (rc < 0)
		return rc;
	r->names_log = datadir_file(r->data_dir, "log/names.log");
	if (!r->names_log)
		return err_oom(err);
	r->names.log_path = r->names_log;
	rc = start_names(r, err);
	return rc < 0 ? rc : open_sockets(r, err);
}

static _Noreturn void execute(const struct run *r, char **command, pid_t parent) {
	struct err err;
	if (environment_enter(&r->principal, r->identity_header, r->data_dir, r->ca_bundle, &err) < 0) {
		(void)cli_fail(&cli_run, &err);
		_exit(CLI_RUN_FAILED);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent ||
		sigprocmask(SIG_SETMASK, &r->caller_mask, NULL) < 0)
		_exit(CLI_RUN_FAILED);
	(void)execvp(command[0], command);
	int reason = errno;
	fprintf(stderr, "custodisk run: cannot execute %s: %s\n", command[0], strerror(reason));
	_exit(reason == ENOENT ? CLI_NOT_FOUND : CLI_CANNOT_EXECUTE);
}

// A signal that came while everything was being prepared, or 0.
static int signal_before_start(const struct run *r) {
	struct signalfd_siginfo info;
	while (read(r->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			return (int)info.ssi_signo;
	return 0;
}

static void say(const char *text, const struct err *err) {
	fprintf(stderr, "custodisk run: %s%s%s\n", text, err ? ": " : "", err ? err->message : "");
}

static void plan_names_restart(struct run *r) {
	int64_t now = clock_monotonic_ns(), delay;
	r->names.pid = 0;
	if (backoff_again(&r->names_backoff, now - r->names_started_ns, &delay)) {
		r->names_due_ns = now + delay;
	} else {
		say("dnsmasq keeps ending; names do not resolve any more", NULL);
		r->names_due_ns = INT64_MAX;
	}
}

// True when the command has ended.
static bool reap(struct run *r) {
	int status;
	pid_t pid;
	bool ended = false;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == r->command) {
			r->wait_status = status;
			ended = true;
		} else if (pid == r->names.pid) {
			plan_names_restart(r);
		} else if (pid == r->supervisor.pid) {
			r->supervisor.pid = 0;
			say("the instance has stopped; the command goes on without it", NULL);
		}
	}
	return ended;
}

static bool read_signals(struct run *r) {
	struct signalfd_siginfo info;
	bool ended = false;
	while (read(r->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ended |= reap(r);
		else if (!ended && run_forwards(info.ssi_code))
			(void)kill(r->command, (int)info.ssi_signo);  // it may just have ended: SIGCHLD follows
	}
	return ended;
}

// Make again what is gone: the server was started anew, or dnsmasq has ended. True while something is missing.
static bool repair(struct run *r) {
	struct err err;
	bool missing = false;
	for (size_t i = 0; i < ARRAY_SIZE(r->handed); i++)
		if (r->handed[i].control_fd < 0 && hand_over(r, &r->handed[i], &err) < 0)
			missing = true;  // the server is not back yet; requests wait in the sockets' queues
	if (r->names.pid > 0 || r->names_due_ns == INT64_MAX)
		return missing;
	if (clock_monotonic_ns() >= r->names_due_ns && start_names(r, &err) < 0) {
		say("cannot start dnsmasq again", &err);
		names_stop(&r->names);
		plan_names_restart(r);
	}
	return missing || r->names.pid == 0;
}

// Until the command has ended.
static int attend(struct run *r, struct err *err) {
	for (;;) {
		int timeout = repair(r) ? CONTROL_RETRY_MS : -1;
		struct pollfd fds[1 + ARRAY_SIZE(r->handed)] = {{.fd = r->signal_fd, .events = POLLIN}};
		for (size_t i = 0; i < ARRAY_SIZE(r->handed); i++)
			fds[1 + i] = (struct pollfd){.fd = r->handed[i].control_fd, .events = POLLIN};
		int n = poll(fds, ARRAY_SIZE(fds), timeout);
		if (n < 0 && errno != EINTR)
			return err_errno(err, -errno, "cannot wait for the command");
		if (n <= 0)
			continue;
		if (fds[0].revents && read_signals(r))
			return 0;
		for (size_t i = 0; i < ARRAY_SIZE(r->handed); i++)
			if (fds[1 + i].revents)  // the server says nothing more on it: it has closed it
				io_closep(&r->handed[i].control_fd);
	}
}

static int start_command(struct run *r, char **command, struct err *err) {
	pid_t parent = getpid();
	r->command = fork();
	if (r->command == 0)
		execute(r, command, parent);
	return r->command < 0 ? err_errno(err, -errno, "cannot start %s", command[0]) : 0;
}

static int supervise_command(struct run *r, const struct run_options *o, struct err *err) {
	int rc = prepare(r, o, err);
	if (rc < 0)
		return rc;
	int early = signal_before_start(r);
	if (early > 0) {
		r->wait_status = early;  // a wait status that says: ended by this signal
		return 0;
	}
	rc = start_command(r, o->command, err);
	return rc < 0 ? rc : attend(r, err);
}

// Stop and remove what this run has made. Returns false when something is left.
static bool clean_up(struct run *r) {
	for (size_t i = 0; i < ARRAY_SIZE(r->handed); i++) {
		io_closep(&r->handed[i].control_fd);
		io_closep(&r->handed[i].listen_fd);
	}
	names_stop(&r->names);
	supervisor_end(&r->supervisor);
	bool left = r->throwaway && r->data_dir && datadir_has(r->data_dir, ".");
	struct err err;
	// The supervisor removes it; when it could not be forked, or was killed, it is for us.
	if (left && datadir_remove(r->data_dir, &err) == 0)
		left = false;
	if (left)
		say("the throwaway instance is left behind", &err);
	names_free(&r->names);
	bootstrap_wipe(&r->principal);
	free(r->identity_header);
	free(r->names_log);
	free(r->ca_bundle);
	free(r->data_dir);
	io_closep(&r->signal_fd);
	return !left;
}

static int run(int argc, char **argv) {
	struct run_options o = {.command = argv + argc};  // none yet
	int status = run_parse(argc, argv, &o);
	if (status != CLI_OK)
		return status;
	if (o.help)
		return cli_help(&cli_run);
	struct run r = {
		.signal_fd = -1,
		.supervisor = {.channel_fd = -1},
		.handed = {
			{.protocol = "https", .port = 443, .listen_fd = -1, .control_fd = -1},
			{.protocol = "http", .identity = o.identity, .port = 80, .listen_fd = -1, .control_fd = -1},
		},
	};
	struct err err;
	int rc = supervise_command(&r, &o, &err);
	if (rc < 0)
		(void)cli_fail(&cli_run, &err);
	bool clean = clean_up(&r);
	if (rc < 0)
		return CLI_RUN_FAILED;
	status = run_exit_status(r.wait_status);
	return status == 0 && !clean ? CLI_RUN_FAILED : status;
}

const struct cli_command cli_run = {
	.name = "run",
	.arguments = "[--data-dir DIR] [--identity ID] [--strict] [--no-throttling] [--cache-seconds N] "
		     "[--private-webhooks] [--] COMMAND [ARGUMENT...]",
	.summary = "Run a command that sees custodisk in the place of Azure, and nothing else.",
	.main = run,
};
