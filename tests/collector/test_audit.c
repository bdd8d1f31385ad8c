/* SPDX-License-Identifier: Apache-2.0 */
#include "collector/audit.h"

#include "collector/store_sql.h"
#include "tests/store_dir.h"

static struct store *store;

static int
make(void **state)
{
	struct diag d = { "" };

	store_dir_make(state);
	assert_int_equal(store_open(&store, path, &d), ERR_OK);
	return 0;
}

static int
unmake(void **state)
{
	store_close(store);
	return store_dir_remove(state);
}

static int64_t
add(const char *body)
{
	int64_t id = 0;

	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(audit_append(store_db(store), AUDIT_RELEASED, "me",
				      UINT64_C(1763633400000000),
				      view_cstr(body), &id),
			 ERR_OK);
	assert_int_equal(store_commit(store), ERR_OK);
	return id;
}

static enum err
walk(struct audit_head *head, int64_t *broken)
{
	struct diag d = { "" };

	return audit_walk(store_db(store), head, broken, NULL, NULL, &d);
}

/* As somebody would who has the file and knows of the triggers. */
static void
tamper(const char *sql)
{
	assert_int_equal(sql_exec(store_db(store), "DROP TRIGGER audit_kept;"
						   "DROP TRIGGER audit_stays;"
						   "DROP TRIGGER audit_next;"),
			 ERR_OK);
	assert_int_equal(sql_exec(store_db(store), sql), ERR_OK);
}

static void
test_chain(void **state)
{
	struct audit_head head;
	int64_t broken;

	(void)state;
	assert_int_equal(walk(&head, &broken), ERR_OK);
	assert_int_equal(head.id, 0);
	for (int i = 1; i <= 20; i++) {
		assert_int_equal(add("{\"n\":1}"), i);
	}
	assert_int_equal(walk(&head, &broken), ERR_OK);
	assert_int_equal(head.id, 20);
}

/* A transaction that is given up takes its record along, and no number. */
static void
test_rollback(void **state)
{
	struct audit_head head;
	int64_t id, broken;

	(void)state;
	add("{}");
	assert_int_equal(store_begin(store), ERR_OK);
	assert_int_equal(audit_append(store_db(store), AUDIT_HELD, "me", 1,
				      VIEW_LIT("{}"), &id),
			 ERR_OK);
	store_rollback(store);
	assert_int_equal(add("{}"), 2);
	assert_int_equal(walk(&head, &broken), ERR_OK);
	assert_int_equal(head.id, 2);
}

static void
test_triggers(void **state)
{
	(void)state;
	add("{}");
	add("{}");
	assert_int_not_equal(
		sql_exec(store_db(store), "UPDATE audit SET record='{}'"),
		ERR_OK);
	assert_int_not_equal(sql_exec(store_db(store), "DELETE FROM audit"),
			     ERR_OK);
	assert_int_not_equal(sql_exec(store_db(store),
				      "INSERT INTO audit VALUES(9,'{}',x'00')"),
			     ERR_OK);
}

static void
broken_by(const char *sql, int64_t where)
{
	struct audit_head head;
	int64_t broken;

	for (int i = 0; i < 9; i++) {
		add("{\"n\":7}");
	}
	tamper(sql);
	assert_int_equal(walk(&head, &broken), ERR_FORMAT);
	assert_int_equal(broken, where);
}

static void
test_changed(void **state)
{
	(void)state;
	broken_by("UPDATE audit SET record=replace(record,'7','8')"
		  " WHERE id=4",
		  4);
}

static void
test_taken_out(void **state)
{
	(void)state;
	broken_by("DELETE FROM audit WHERE id=5", 5);
}

/* What is behind a gap moves up: its own number gives it away. */
static void
test_moved_up(void **state)
{
	(void)state;
	broken_by("DELETE FROM audit WHERE id=5;"
		  "UPDATE audit SET id=id-1 WHERE id>5",
		  5);
}

static void
test_hash_changed(void **state)
{
	(void)state;
	broken_by("UPDATE audit SET hash=zeroblob(32) WHERE id=9", 9);
}

static void
test_checkpoint(void **state)
{
	char file[96], pub[112];
	struct sign_key *private = NULL, *public = NULL;
	struct audit_head head, read;
	struct diag d = { "" };
	struct json j;
	int64_t broken;

	(void)state;
	add("{}");
	snprintf(file, sizeof(file), "%s/k", dir);
	snprintf(pub, sizeof(pub), "%s.pub", file);
	assert_int_equal(sign_key_make(file, &d), ERR_OK);
	assert_int_equal(sign_key_load(&private, file, true, &d), ERR_OK);
	assert_int_equal(sign_key_load(&public, pub, false, &d), ERR_OK);
	assert_int_equal(walk(&head, &broken), ERR_OK);
	json_init(&j);
	assert_int_equal(audit_checkpoint(&head, 12345, private, &j), ERR_OK);
	assert_int_equal(
		audit_checkpoint_read(json_view(&j), public, &read, &d),
		ERR_OK);
	assert_int_equal(read.id, 1);
	assert_memory_equal(read.hash, head.hash, AUDIT_HASH_BYTES);
	/* Any byte of it changed: refused. */
	for (size_t i = 0; i < j.len; i++) {
		char was = j.p[i];

		j.p[i] = (char)(was ^ 1);
		if (audit_checkpoint_read(json_view(&j), public, &read, &d) ==
		    ERR_OK) {
			/* A letter in a member that is not looked at. */
			assert_int_equal(read.id, head.id);
			assert_memory_equal(read.hash, head.hash,
					    AUDIT_HASH_BYTES);
		}
		j.p[i] = was;
	}
	json_fini(&j);
	sign_key_free(private);
	sign_key_free(public);
	unlink(file);
	unlink(pub);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_chain, make, unmake),
		cmocka_unit_test_setup_teardown(test_rollback, make, unmake),
		cmocka_unit_test_setup_teardown(test_triggers, make, unmake),
		cmocka_unit_test_setup_teardown(test_changed, make, unmake),
		cmocka_unit_test_setup_teardown(test_taken_out, make, unmake),
		cmocka_unit_test_setup_teardown(test_moved_up, make, unmake),
		cmocka_unit_test_setup_teardown(test_hash_changed, make,
						unmake),
		cmocka_unit_test_setup_teardown(test_checkpoint, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
