// SPDX-License-Identifier: Apache-2.0
// views.js - the views: address, name, key, and what draws it.
//
// Place    above every view; below app.js alone.
// Contract view: the first word of the address. draw: a component, given { arg, query }. words: its name in the menu
//          (none: it is reached from another). key: second key after g. role: the least role that may. old: the place of
//          the former page that shows it until there is a view; a row with `draw` needs none.

import { Picture } from "./view_picture.js";
import { Sensors } from "./view_sensors.js";
import { Account } from "./view_account.js";
import { Users } from "./view_users.js";
import { t } from "./words.js";

export const views = () => [
	{ view: "picture", words: t("Picture"), key: "p", draw: Picture },
	{ view: "inbox", words: t("Inbox"), key: "i", old: () => "/old.html#alerts" },
	{ view: "incident", old: (arg) => `/old.html#incident-${arg}` },
	{ view: "sensors", words: t("Sensors"), key: "s", draw: Sensors },
	{ view: "users", words: t("Users"), key: "w", role: "administrator", draw: Users },
	{ view: "account", words: t("Account"), key: "u", draw: Account },
];
