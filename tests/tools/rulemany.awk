# SPDX-License-Identifier: Apache-2.0
# rulemany.awk : as many rules as are wanted, made from the rules given.
#
#   awk -v n=100000 -f rulemany.awk FILE...
#
# The rules are repeated with other sids; in each copy the last letters of
# every plain content are replaced by the copy's number, so that no literal is
# there twice and each is as long as it was.
/^ *(alert|drop|reject|pass) / { rule[m++] = $0 }

function vary(text, k,    out, body, tag) {
	tag = sprintf("%c%c", 97 + k % 26, 97 + int(k / 26) % 26)
	out = ""
	while (match(text, /content: *"[A-Za-z0-9 .\/_-]+"/)) {
		body = substr(text, RSTART, RLENGTH)
		if (RLENGTH > 14) {
			body = substr(body, 1, RLENGTH - 3) tag "\""
		}
		out = out substr(text, 1, RSTART - 1) body
		text = substr(text, RSTART + RLENGTH)
	}
	return out text
}

END {
	for (i = 0; i < n && m > 0; i++) {
		k = int(i / m)
		text = k > 0 ? vary(rule[i % m], k) : rule[i % m]
		sub(/sid: *[0-9]+/, "sid:" (100000000 + i), text)
		print text
	}
}
