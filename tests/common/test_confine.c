/* SPDX-License-Identifier: Apache-2.0 */
/* Each attempt runs in a process that has confined itself as the programs do. */
#include "common/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

#define NOBODY 65534
#define FAILS_TO_CONFINE 99

/* A directory with "own" and "rules" in it; 'secret' is beside them. */
static char root[64], own[96], rules[96], file[128], secret[96];

enum outcome { DONE, REFUSED, KILLED };

/* What threads of the kind that is tried may do; 0: as the process. */
static unsigned worker_may;
/* How the directory "own" is named. */
static enum confine_access own_access = CONFINE_OWN;

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int
set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/confine.XXXXXX");
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0755), 0);
	snprintf(own, sizeof(own), "%s/own", root);
	snprintf(rules, sizeof(rules), "%s/rules", root);
	snprintf(file, sizeof(file), "%s/a.rules", rules);
	snprintf(secret, sizeof(secret), "%s/secret", root);
	assert_int_equal(mkdir(rules, 0755), 0);
	write_file(file, "rule");
	write_file(secret, "secret");
	return 0;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command) == 0 ? 0 : -1;
}

static struct conf *
settings(const char *sandbox)
{
	struct conf *c = conf_new();

	assert_non_null(c);
	if (sandbox != NULL) {
		assert_int_equal(conf_set(c, "security.sandbox", sandbox),
				 ERR_OK);
	}
	return c;
}

/* What is not in force cannot be tried: a kernel without it, a sanitizer. */
static struct confine_state
in_force(void)
{
	struct conf *conf = settings(NULL);
	struct confine_state st;
	struct confine c;
	struct diag d;

	assert_int_equal(confine_read(&c, conf, &d), ERR_OK);
	assert_int_equal(confine_check(&c, &st, &d), ERR_OK);
	confine_fini(&c);
	conf_free(conf);
	return st;
}

static void
confine(unsigned needs, unsigned caps, const char *user)
{
	struct conf *conf = settings(NULL);
	struct confine_state st;
	struct confine c;
	struct diag d = { "" };

	if (user != NULL && conf_set(conf, "run-as.user", user) != ERR_OK) {
		_exit(FAILS_TO_CONFINE);
	}
	if (confine_read(&c, conf, &d) != ERR_OK) {
		_exit(FAILS_TO_CONFINE);
	}
	c.needs = needs;
	c.caps = caps;
	c.may[THREAD_WORKER] = worker_may;
	confine_path(&c, own, own_access);
	confine_path(&c, file, CONFINE_READ_BESIDE);
	confine_listen(&c, "127.0.0.1:0");
	if (confine_apply(&c, &st, &d) != ERR_OK) {
		fprintf(stderr, "%s\n", d.msg);
		_exit(FAILS_TO_CONFINE);
	}
	confine_fini(&c);
	conf_free(conf);
}

/* 'attempt' returns 0, or the errno that it was refused with. */
static enum outcome
try_as(int (*attempt)(void), unsigned needs, unsigned caps, const char *user)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		confine(needs, caps, user);
		_exit(attempt());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status)) {
		assert_int_equal(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	assert_int_not_equal(WEXITSTATUS(status), FAILS_TO_CONFINE);
	if (WEXITSTATUS(status) == 0) {
		return DONE;
	}
	if (WEXITSTATUS(status) != EPERM && WEXITSTATUS(status) != EACCES) {
		fail_msg("errno %d", WEXITSTATUS(status));
	}
	return REFUSED;
}

static enum outcome
try(int (*attempt)(void), unsigned needs)
{
	return try_as(attempt, needs, 0, NULL);
}

/* ------------------------------------------------------------------- files */

static int
can_open(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0) {
		return errno;
	}
	close(fd);
	return 0;
}

static int
read_passwd(void)
{
	return can_open("/etc/passwd", O_RDONLY);
}

static int
read_secret(void)
{
	return can_open(secret, O_RDONLY);
}

static int
climb_out(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/../secret", own);
	return can_open(path, O_RDONLY);
}

static int
follow_link(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/link", own);
	(void)unlink(path);
	/* a name may be made only for what may be reached */
	return symlink("/etc/passwd", path) != 0 ? errno
						 : can_open(path, O_RDONLY);
}

static int
read_rules(void)
{
	return can_open(file, O_RDONLY);
}

static int
write_rules(void)
{
	return can_open(file, O_WRONLY);
}

static int
make_beside_rules(void)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/b.rules", rules);
	return can_open(path, O_WRONLY | O_CREAT);
}

/* As a spool and a file store do: made, written, renamed, cut, removed. */
static int
use_own(void)
{
	char a[160], b[160], dir[160];

	snprintf(a, sizeof(a), "%s/a", own);
	snprintf(b, sizeof(b), "%s/b", own);
	snprintf(dir, sizeof(dir), "%s/dir", own);
	if (can_open(a, O_RDWR | O_CREAT | O_TRUNC) != 0 || rename(a, b) != 0 ||
	    can_open(b, O_WRONLY | O_TRUNC) != 0 || unlink(b) != 0 ||
	    (mkdir(dir, 0700) != 0 && errno != EEXIST)) {
		return errno;
	}
	return 0;
}

static void
test_files(void **state)
{
	(void)state;
	if (in_force().landlock == 0) {
		skip();
	}
	assert_int_equal(try(read_passwd, 0), REFUSED);
	assert_int_equal(try(read_secret, 0), REFUSED);
	assert_int_equal(try(climb_out, 0), REFUSED);
	assert_int_equal(try(follow_link, 0), REFUSED);
	assert_int_equal(try(read_rules, 0), DONE);
	assert_int_equal(try(write_rules, 0), REFUSED);
	assert_int_equal(try(make_beside_rules, 0), REFUSED);
	/* by whatever name it is one to write in */
	for (own_access = CONFINE_READ; own_access <= CONFINE_WRITE_BESIDE;
	     own_access++) {
		bool writes = own_access >= CONFINE_WRITE;

		assert_int_equal(try(use_own, 0), writes ? DONE : REFUSED);
	}
	own_access = CONFINE_OWN;
}

/* The attempts succeed where nothing is in force: they do attempt. */
static void
test_files_unconfined(void **state)
{
	(void)state;
	(void)mkdir(own, 0700);
	assert_int_equal(read_passwd(), 0);
	assert_int_equal(read_secret(), 0);
	assert_int_equal(climb_out(), 0);
	assert_int_equal(follow_link(), 0);
	assert_int_equal(write_rules(), 0);
	assert_int_equal(make_beside_rules(), 0);
	assert_int_equal(use_own(), 0);
}

/* ------------------------------------------------------------ system calls */

static int
open_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? errno : 0;
}

static int
open_packet_socket(void)
{
	return socket(AF_PACKET, SOCK_RAW, 0) < 0 ? errno : 0;
}

static int
run_shell(void)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)"exit 0", NULL };

	execv("/bin/sh", argv);
	return errno;
}

static int
trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 ? errno : 0;
}

static int
map_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? errno
		       : 0;
}

static int
turn_to_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) != 0 ? errno : 0;
}

static int
split(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		_exit(0);
	}
	return pid < 0 ? errno : 0;
}

static int
become_root(void)
{
	return setuid(0) != 0 ? errno : 0;
}

static int
signal_parent(void)
{
	return kill(getppid(), 0) != 0 ? errno : 0;
}

static void *
add_one(void *arg)
{
	++*(int *)arg;
	return NULL;
}

/* Threads come later, and are held as their starter is. */
static int
start_thread(void)
{
	pthread_t t;
	int n = 0, rc = pthread_create(&t, NULL, add_one, &n);

	if (rc == 0) {
		rc = pthread_join(t, NULL);
	}
	return rc != 0 ? rc : n == 1 ? 0 : EINVAL;
}

static void *
read_there(void *arg)
{
	*(int *)arg = read_passwd();
	return NULL;
}

static int
read_in_thread(void)
{
	pthread_t t;
	int got = 0, rc = pthread_create(&t, NULL, read_there, &got);

	return rc != 0 || pthread_join(t, NULL) != 0 ? EINVAL : got;
}

static void
test_calls(void **state)
{
	(void)state;
	if (in_force().calls == 0) {
		skip();
	}
	assert_int_equal(try(open_socket, 0), REFUSED);
	assert_int_equal(try(open_socket, CONFINE_NETWORK), DONE);
	assert_int_equal(try(open_packet_socket, CONFINE_NETWORK), REFUSED);
	assert_int_equal(try(run_shell, CONFINE_NETWORK), KILLED);
	assert_int_equal(try(trace, 0), KILLED);
	assert_int_equal(try(map_code, 0), KILLED);
	assert_int_equal(try(map_code, CONFINE_JIT), DONE);
	assert_int_equal(try(turn_to_code, 0), KILLED);
	assert_int_equal(try(split, 0), REFUSED);
	assert_int_equal(try(become_root, 0), KILLED);
	assert_int_equal(try(signal_parent, 0), REFUSED);
	assert_int_equal(try(start_thread, 0), DONE);
	assert_int_equal(try(read_in_thread, 0), REFUSED);
}

static int (*in_kind)(void);

static void *
attempt_there(void *arg)
{
	*(int *)arg = in_kind();
	return NULL;
}

static int
in_thread(void)
{
	int got = EINVAL;
	pthread_t t;

	if (thread_start(&t, THREAD_WORKER, attempt_there, &got) != 0) {
		return EINVAL;
	}
	pthread_join(t, NULL);
	return got;
}

/* In a thread of a kind that may do 'may', of a process that may do all. */
static enum outcome
try_in(int (*attempt)(void), unsigned may)
{
	enum outcome got;

	in_kind = attempt;
	worker_may = may;
	got = try_as(in_thread, CONFINE_NETWORK | CONFINE_JIT | CONFINE_CAPTURE,
		     CONFINE_CAP_NET_RAW, NULL);
	worker_may = 0;
	return got;
}

static int
open_raw_socket(void)
{
	return socket(AF_INET, SOCK_RAW, 255) < 0 ? errno : 0;
}

static int
own_signals(void)
{
	return fcntl(0, F_SETOWN, getppid()) != 0 ? errno : 0;
}

static int
lock_file(void)
{
	struct flock l = { .l_type = F_RDLCK };
	int fd = open(file, O_RDONLY);

	return fcntl(fd, F_SETLK, &l) != 0 ? errno : 0;
}

static void
test_threads(void **state)
{
	(void)state;
	if (in_force().calls == 0) {
		skip();
	}
	/* the kind that may do most of these, and one that may do nothing */
	assert_int_equal(try_in(open_socket, CONFINE_MAY_TALK), DONE);
	assert_int_equal(try_in(open_socket, CONFINE_MAY_RUN), KILLED);
	assert_int_equal(try_in(open_socket, CONFINE_MAY_TAP), KILLED);
	assert_int_equal(try_in(open_packet_socket, CONFINE_MAY_TALK), REFUSED);
	assert_int_equal(try_in(open_packet_socket, CONFINE_MAY_TAP), KILLED);
	assert_int_equal(try_in(open_raw_socket, CONFINE_MAY_TALK), REFUSED);
	assert_int_equal(try_in(open_raw_socket, CONFINE_MAY_CAPTURE), REFUSED);
	assert_int_equal(try_in(read_rules, CONFINE_MAY_OPEN), DONE);
	assert_int_equal(try_in(read_rules, CONFINE_MAY_RUN), REFUSED);
	assert_int_equal(try_in(map_code, CONFINE_MAY_CODE), DONE);
	assert_int_equal(try_in(map_code, CONFINE_MAY_TALK), KILLED);
	assert_int_equal(try_in(map_code, CONFINE_MAY_RUN), KILLED);
	assert_int_equal(try_in(turn_to_code, CONFINE_MAY_READ), KILLED);
	assert_int_equal(try_in(run_shell, CONFINE_MAY_CODE), KILLED);
	assert_int_equal(try_in(trace, CONFINE_MAY_RUN), KILLED);
	assert_int_equal(try_in(split, CONFINE_MAY_START), REFUSED);
	assert_int_equal(try_in(split, CONFINE_MAY_RUN), KILLED);
	assert_int_equal(try_in(start_thread, CONFINE_MAY_START), DONE);
	assert_int_equal(try_in(start_thread, CONFINE_MAY_RUN), KILLED);
	assert_int_equal(try_in(lock_file, CONFINE_MAY_READ), DONE);
	assert_int_equal(try_in(own_signals, CONFINE_MAY_READ), REFUSED);
	assert_int_equal(try_in(use_own, CONFINE_MAY_WRITE), DONE);
	assert_int_equal(try_in(use_own, CONFINE_MAY_READ), REFUSED);
}

/* ------------------------------------------------------------------- ports */

static int
listen_at(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 ? errno : 0;
}

static int
listen_anywhere(void)
{
	return listen_at(0);
}

static int
listen_elsewhere(void)
{
	return listen_at(18080);
}

static void
test_ports(void **state)
{
	(void)state;
	if (in_force().landlock < 4) {
		skip();
	}
	assert_int_equal(try(listen_anywhere, CONFINE_NETWORK), DONE);
	assert_int_equal(try(listen_elsewhere, CONFINE_NETWORK), REFUSED);
}

/* ------------------------------------------------------------------ rights */

static int
rights_are_gone(void)
{
	char line[256], *end;
	unsigned seen = 0;
	FILE *f = fopen("/proc/self/status", "r");

	if (f == NULL) {
		return errno;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		char *v = strchr(line, ':');

		if (strncmp(line, "Uid", 3) == 0 ||
		    strncmp(line, "Gid", 3) == 0) {
			seen += strtoul(v + 1, &end, 10) == NOBODY;
		} else if (strncmp(line, "Groups", 6) == 0) {
			seen += v[1 + strspn(v + 1, "\t ")] == '\n';
		} else if (strncmp(line, "CapEff", 6) == 0 ||
			   strncmp(line, "CapPrm", 6) == 0 ||
			   strncmp(line, "CapBnd", 6) == 0) {
			seen += strtoul(v + 1, &end, 16) == 1UL << 13;
		} else if (strncmp(line, "CapInh", 6) == 0 ||
			   strncmp(line, "CapAmb", 6) == 0) {
			seen += strtoul(v + 1, &end, 16) == 0;
		} else if (strncmp(line, "NoNewPrivs", 10) == 0) {
			seen += strtoul(v + 1, &end, 10) == 1;
		}
	}
	fclose(f);
	return seen == 9 ? 0 : ERANGE;
}

static int
own_is_ours(void)
{
	struct stat st;

	return stat(own, &st) != 0                                   ? errno
	       : st.st_uid == NOBODY && (st.st_mode & 07777) == 0700 ? use_own()
								     : ERANGE;
}

static void
test_rights(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		skip();
	}
	assert_int_equal(try_as(rights_are_gone, CONFINE_CAPTURE,
				CONFINE_CAP_NET_RAW, "65534"),
			 DONE);
	assert_int_equal(try_as(own_is_ours, 0, 0, "65534:65534"), DONE);
}

/* ---------------------------------------------------------------- settings */

static void
refused(const char *key, const char *value, const char *told)
{
	struct conf *conf = settings(NULL);
	struct confine_state st;
	struct confine c;
	struct diag d = { "" };
	enum err e;

	assert_int_equal(conf_set(conf, key, value), ERR_OK);
	e = confine_read(&c, conf, &d);
	if (e == ERR_OK) {
		e = confine_check(&c, &st, &d);
	}
	assert_int_equal(e, ERR_USAGE);
	if (strstr(d.msg, told) == NULL) {
		fail_msg("%s=%s: '%s' does not name '%s'", key, value, d.msg,
			 told);
	}
	confine_fini(&c);
	conf_free(conf);
}

static void
test_settings(void **state)
{
	struct conf *conf = settings("off");
	struct confine_state st;
	struct confine c;
	struct diag d;
	char text[200];

	(void)state;
	refused("security.sandbox", "perhaps", "security.sandbox");
	refused("security.seccomp", "2", "security.seccomp");
	refused("run-as.user", "no such user", "no such user");
	refused("run-as.group", "nogroup", "run-as.user");
	assert_int_equal(confine_read(&c, conf, &d), ERR_OK);
	assert_int_equal(confine_check(&c, &st, &d), ERR_OK);
	confine_text(&st, text, sizeof(text));
	assert_non_null(strstr(text, "no Landlock, no seccomp"));
	confine_fini(&c);
	/* more paths than there is room for are not left out silently */
	assert_int_equal(confine_read(&c, conf, &d), ERR_OK);
	for (unsigned i = 0; i <= CONFINE_MAX_PATHS; i++) {
		confine_path(&c, "/x", CONFINE_READ);
	}
	assert_int_equal(confine_check(&c, &st, &d), ERR_USAGE);
	confine_fini(&c);
	conf_free(conf);
}

static void *
wait_for_end(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) < 0 ? arg : NULL;
}

/* A thread that was there before would keep its rights. */
static void
test_not_alone(void **state)
{
	struct conf *conf;
	struct confine_state st;
	struct confine c;
	struct diag d;
	pthread_t t;
	int fds[2];

	(void)state;
	if (in_force().off != NULL) {
		skip();
	}
	conf = settings(NULL);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pthread_create(&t, NULL, wait_for_end, &fds[0]), 0);
	assert_int_equal(confine_read(&c, conf, &d), ERR_OK);
	assert_int_equal(confine_apply(&c, &st, &d), ERR_IO);
	assert_non_null(strstr(d.msg, "threads"));
	confine_fini(&c);
	conf_free(conf);
	close(fds[1]);
	pthread_join(t, NULL);
	close(fds[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_files_unconfined),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_rights),
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_not_alone),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
