# SPDX-License-Identifier: Apache-2.0
# words.awk - a catalogue (gettext PO) as a table of C (-v out=c) or as a module
# of JavaScript (-v out=js: without the formats of C).  Entries without a
# translation, doubtful ("fuzzy") and obsolete ones ("#~") are left out.
# Run with LC_ALL=C.

# Ends the entry that was being read.
function put() {
	if (id != "" && str != "" && !fuzzy) {
		if (out == "c") {
			printf "\t{ \"%s\",\n\t  \"%s\" },\n",
				formats(id), formats(str)
		} else if (!format) {
			printf "\t\"%s\": \"%s\",\n", id, str
		}
		n++
	}
	id = str = where = ""
	fuzzy = format = 0
}

# The lengths of numbers, as the macros of C have them.
function formats(s) {
	while (match(s, /<PRI[ud](32|64)>/)) {
		s = substr(s, 1, RSTART - 1) "\" " \
		    substr(s, RSTART + 1, RLENGTH - 2) " \"" \
		    substr(s, RSTART + RLENGTH)
	}
	return s
}

function text(line) {
	sub(/^[^"]*"/, "", line)
	sub(/"[ \t\r]*$/, "", line)
	return line
}

BEGIN {
	print "/* Made of ja.po by words.awk: change that instead. */"
	if (out == "c") {
		print "#include <inttypes.h>\n"
		print "#include \"common/words_table.h\"\n"
		print "const struct word_pair word_table[] = {"
	} else {
		print "export default {"
	}
}

/^#~/ { next }
/^#,/ {
	if (where == "str") { put() }
	if ($0 ~ /fuzzy/) { fuzzy = 1 }
	if ($0 ~ /[ ,]c-format/) { format = 1 }
	next
}
/^#/ { if (where == "str") { put() } next }
/^msgid / { if (where == "str") { put() } where = "id"; id = text($0); next }
/^msgstr / { where = "str"; str = text($0); next }
/^"/ {
	if (where == "id") { id = id text($0) }
	else if (where == "str") { str = str text($0) }
	next
}
/^[ \t\r]*$/ { if (where == "str") { put() } next }
{
	print "words.awk: line " NR ": not understood: " $0 >"/dev/stderr"
	failed = 1
	exit 1
}

END {
	if (failed) { exit 1 }
	put()
	if (out == "c") {
		# An array has at least one member.
		if (n == 0) { print "\t{ \"\", \"\" }," }
		print "};"
		print "const size_t word_table_len ="
		print "\tsizeof(word_table) / sizeof(word_table[0]);"
	} else {
		print "};"
	}
}
