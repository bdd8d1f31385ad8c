/* SPDX-License-Identifier: Apache-2.0 */
#include "common/redis_tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

struct redis_tls {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	short send_wants, recv_wants; /* of poll(2) */
	bool broken;
	char host[256];
	char names[160]; /* in the certificate that was refused */
};

static bool
given(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* --- the socket under OpenSSL: its own would raise SIGPIPE --- */

static int
bio_write(BIO *b, const char *buf, int len)
{
	struct redis_tls *t = BIO_get_data(b);
	ssize_t n = send(t->fd, buf, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		BIO_set_retry_write(b);
	}
	return (int)n;
}

static int
bio_read(BIO *b, char *buf, int len)
{
	struct redis_tls *t = BIO_get_data(b);
	ssize_t n = recv(t->fd, buf, (size_t)len, MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		BIO_set_retry_read(b);
	}
	return (int)n;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

/* One for all sessions: OpenSSL has 127 numbers for kinds of BIO, and a
 * process connects more often than that. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void
make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
				     "socket without signals");

	if (m == NULL || BIO_meth_set_write(m, bio_write) != 1 ||
	    BIO_meth_set_read(m, bio_read) != 1 ||
	    BIO_meth_set_ctrl(m, bio_ctrl) != 1) {
		BIO_meth_free(m);
		return;
	}
	method = m;
}

static bool
make_bio(struct redis_tls *t)
{
	BIO *b;

	(void)pthread_once(&method_once, make_method);
	b = method != NULL ? BIO_new(method) : NULL;
	if (b == NULL) {
		return false;
	}
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	return true;
}

/* --- files --- */

/* What is wrong with a PEM file, as far as can be told. */
static enum err
bad_file(struct diag *d, const char *setting, const char *path)
{
	unsigned long code = ERR_peek_last_error();
	FILE *f = fopen(path, "r");
	const char *why = f == NULL ? strerror(errno) : NULL;

	if (f != NULL) {
		fclose(f);
		why = code != 0 ? ERR_reason_error_string(code) : NULL;
	}
	ERR_clear_error();
	return diag_set(d, ERR_USAGE, "%s %s: %s", setting, path,
			why != NULL ? why : "no usable PEM file");
}

static enum err
load_ca(SSL_CTX *ctx, const char *ca, struct diag *d)
{
	struct stat st;
	int ok;

	if (!given(ca)) {
		ok = SSL_CTX_set_default_verify_paths(ctx);
		return ok == 1 ? ERR_OK
			       : diag_set(d, ERR_USAGE,
					  "redis.tls.ca is not set and the "
					  "system's authorities cannot be "
					  "read");
	}
	if (stat(ca, &st) != 0) {
		return bad_file(d, "redis.tls.ca", ca);
	}
	ok = S_ISDIR(st.st_mode) ? SSL_CTX_load_verify_dir(ctx, ca)
				 : SSL_CTX_load_verify_file(ctx, ca);
	return ok == 1 ? ERR_OK : bad_file(d, "redis.tls.ca", ca);
}

static enum err
load_own(SSL_CTX *ctx, const struct redis_tls_files *f, struct diag *d)
{
	if (given(f->cert) != given(f->key)) {
		return diag_set(d, ERR_USAGE,
				"redis.tls.cert and redis.tls.key belong "
				"together: set both or neither");
	}
	if (!given(f->cert)) {
		return ERR_OK;
	}
	if (SSL_CTX_use_certificate_chain_file(ctx, f->cert) != 1) {
		return bad_file(d, "redis.tls.cert", f->cert);
	}
	if (SSL_CTX_use_PrivateKey_file(ctx, f->key, SSL_FILETYPE_PEM) != 1) {
		if (ERR_GET_REASON(ERR_peek_last_error()) ==
		    X509_R_KEY_VALUES_MISMATCH) {
			ERR_clear_error();
			return diag_set(d, ERR_USAGE,
					"redis.tls.key %s is not the key of "
					"the certificate %s",
					f->key, f->cert);
		}
		return bad_file(d, "redis.tls.key", f->key);
	}
	return ERR_OK;
}

/* A key with a password would be asked for on a terminal that is not there. */
static int
no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static enum err
make_context(SSL_CTX **out, const struct redis_tls_files *f, struct diag *d)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	enum err e;

	ERR_clear_error();
	if (ctx == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* Redis ends a connection without a word of TLS: no reason to lose
	 * what came before, and the replies say themselves where they end. */
	SSL_CTX_set_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF |
					 SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_min_proto_version(ctx, f->allow_tls12 ? TLS1_2_VERSION
							  : TLS1_3_VERSION);
	e = load_ca(ctx, f->ca, d);
	if (e == ERR_OK) {
		e = load_own(ctx, f, d);
	}
	if (e != ERR_OK) {
		SSL_CTX_free(ctx);
		return e;
	}
	*out = ctx;
	return ERR_OK;
}

enum err
redis_tls_check(const struct redis_tls_files *f, struct diag *d)
{
	SSL_CTX *ctx = NULL;
	enum err e = make_context(&ctx, f, d);

	SSL_CTX_free(ctx);
	return e;
}

/* --- a session --- */

/* The names in the server's certificate, for who has to mend it. */
static void
list_names(const X509 *cert, char *out, size_t cap)
{
	GENERAL_NAMES *names =
		X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	size_t n = 0;

	out[0] = '\0';
	for (int i = 0; i < sk_GENERAL_NAME_num(names) && n + 2 < cap; i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(names, i);
		char text[INET6_ADDRSTRLEN] = "";
		int len = 0;
		const char *name = text;

		if (g->type == GEN_DNS) {
			name = (const char *)ASN1_STRING_get0_data(
				g->d.dNSName);
			len = ASN1_STRING_length(g->d.dNSName);
		} else if (g->type == GEN_IPADD) {
			int size = ASN1_STRING_length(g->d.iPAddress);

			/* Any length can stand in a certificate. */
			if (size == 4 || size == 16) {
				(void)inet_ntop(
					size == 4 ? AF_INET : AF_INET6,
					ASN1_STRING_get0_data(g->d.iPAddress),
					text, sizeof(text));
			}
			len = (int)strlen(text);
		}
		for (int k = 0; k < len; k++) {
			/* A certificate says what it likes. */
			len = name[k] > ' ' && name[k] < 0x7f ? len : 0;
		}
		if (len > 0) {
			n += (size_t)snprintf(out + n, cap - n, "%s%.*s",
					      n > 0 ? ", " : "", len, name);
		}
	}
	GENERAL_NAMES_free(names);
}

/* Keeps what the refused certificate was for; it is gone afterwards. */
static int
on_verify(int ok, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	const X509 *cert = X509_STORE_CTX_get0_cert(store);
	struct redis_tls *t = SSL_get_app_data(ssl);

	if (!ok && cert != NULL) {
		list_names(cert, t->names, sizeof(t->names));
	}
	return ok;
}

/* Names whom the certificate must be for; SNI for a name only (RFC 6066). */
static bool
expect(SSL *ssl, const char *host)
{
	unsigned char addr[16];

	if (inet_pton(AF_INET, host, addr) == 1 ||
	    inet_pton(AF_INET6, host, addr) == 1) {
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
						     host) == 1;
	}
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 &&
	       SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum err
redis_tls_begin(struct redis_tls **out, const struct redis_tls_files *f, int fd,
		const char *host, struct diag *d)
{
	struct redis_tls *t = calloc(1, sizeof(*t));
	enum err e;

	if (t == NULL) {
		return diag_set(d, ERR_NOMEM, "out of memory");
	}
	t->fd = fd;
	t->send_wants = POLLOUT;
	snprintf(t->host, sizeof(t->host), "%s",
		 given(f->server_name) ? f->server_name : host);
	e = make_context(&t->ctx, f, d);
	if (e == ERR_OK) {
		t->ssl = SSL_new(t->ctx);
		if (t->ssl == NULL || !make_bio(t)) {
			e = diag_set(d, ERR_NOMEM, "out of memory");
		} else if (!expect(t->ssl, t->host)) {
			e = diag_set(d, ERR_USAGE,
				     "'%.100s' can stand in no certificate: "
				     "set redis.tls.server-name",
				     t->host);
		}
	}
	if (e != ERR_OK) {
		redis_tls_end(t);
		return e;
	}
	SSL_set_app_data(t->ssl, t);
	SSL_set_verify(t->ssl, SSL_VERIFY_PEER, on_verify);
	SSL_set_connect_state(t->ssl);
	*out = t;
	return ERR_OK;
}

void
redis_tls_end(struct redis_tls *t)
{
	if (t == NULL) {
		return;
	}
	if (t->ssl != NULL && SSL_is_init_finished(t->ssl)) {
		(void)SSL_shutdown(t->ssl); /* says goodbye, if it can */
	}
	SSL_free(t->ssl);
	SSL_CTX_free(t->ctx);
	ERR_clear_error();
	free(t);
}

short
redis_tls_wants(const struct redis_tls *t)
{
	return (short)(t->send_wants | t->recv_wants);
}

bool
redis_tls_broken(const struct redis_tls *t)
{
	return t->broken;
}

/* Why we did not believe the server. */
static enum err
distrust(struct redis_tls *t, long why, struct diag *d)
{
	switch (why) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return diag_set(d, ERR_CLOSED,
				"the server's certificate has expired");
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return diag_set(d, ERR_CLOSED,
				"the server's certificate is not valid yet; "
				"is this machine's clock right?");
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return diag_set(d, ERR_CLOSED,
				"the server's certificate is not for %.100s "
				"but for %s; connect by that name or set "
				"redis.tls.server-name",
				t->host,
				t->names[0] != '\0' ? t->names : "no name");
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return diag_set(d, ERR_CLOSED,
				"the server's certificate is signed by an "
				"authority that is not in redis.tls.ca, or "
				"not known to this system where that is not "
				"set");
	default:
		return diag_set(d, ERR_CLOSED, "the server's certificate: %s",
				X509_verify_cert_error_string(why));
	}
}

/* What OpenSSL's error queue says, in our words where it is common. */
static enum err
tls_error(struct redis_tls *t, struct diag *d)
{
	unsigned long code = ERR_peek_last_error();
	long why = SSL_get_verify_result(t->ssl);
	const char *text;

	ERR_clear_error();
	t->broken = true;
	if (why != X509_V_OK) {
		return distrust(t, why, d);
	}
	switch (ERR_GET_REASON(code)) {
	case SSL_R_WRONG_VERSION_NUMBER:
		return diag_set(d, ERR_CLOSED,
				"the other side does not speak TLS; rediss:// "
				"needs Redis' tls-port");
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_UNSUPPORTED_PROTOCOL:
		return diag_set(d, ERR_CLOSED,
				"no version of TLS in common; redis.tls."
				"min-version: 1.2 allows the older one");
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
	case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
		return diag_set(d, ERR_CLOSED,
				"the server asks for a certificate of ours: "
				"set redis.tls.cert and redis.tls.key");
	case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
	case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
	case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
		return diag_set(d, ERR_CLOSED,
				"the server refuses the certificate of "
				"redis.tls.cert: %s",
				ERR_reason_error_string(code));
	default:
		text = code != 0 ? ERR_reason_error_string(code) : NULL;
		return diag_set(d, ERR_CLOSED, "TLS: %s",
				text != NULL ? text : "failed");
	}
}

/* What a call that moved nothing means. */
static enum err
outcome(struct redis_tls *t, int rc, short *wants, struct diag *d)
{
	int err = errno;

	switch (SSL_get_error(t->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		*wants = POLLIN;
		return ERR_AGAIN;
	case SSL_ERROR_WANT_WRITE:
		*wants = POLLOUT;
		return ERR_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return diag_set(d, ERR_CLOSED, "closed by Redis");
	case SSL_ERROR_SYSCALL:
		return diag_set(d, ERR_CLOSED, "%s",
				err != 0 ? strerror(err)
					 : "closed by the other side");
	default:
		return tls_error(t, d);
	}
}

enum err
redis_tls_shake(struct redis_tls *t, struct diag *d)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	t->send_wants = 0;
	rc = SSL_do_handshake(t->ssl);
	return rc == 1 ? ERR_OK : outcome(t, rc, &t->send_wants, d);
}

enum err
redis_tls_send(struct redis_tls *t, const void *buf, size_t len, size_t *n,
	       struct diag *d)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	t->send_wants = 0;
	rc = SSL_write_ex(t->ssl, buf, len, n);
	return rc == 1 ? ERR_OK : outcome(t, rc, &t->send_wants, d);
}

enum err
redis_tls_recv(struct redis_tls *t, void *buf, size_t cap, size_t *n,
	       struct diag *d)
{
	int rc;

	ERR_clear_error();
	errno = 0;
	t->recv_wants = 0;
	rc = SSL_read_ex(t->ssl, buf, cap, n);
	return rc == 1 ? ERR_OK : outcome(t, rc, &t->recv_wants, d);
}
