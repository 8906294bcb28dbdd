# The journal's catalog, from the tables of records: awk -f catalog.awk policy/denials.def supervisor/daemon/events.def
# A row is a line, its strings are between quotes. journalctl -x shows the entry below the record.
function entry(id, subject, text) {
        printf "\n-- %s\nSubject: %s\nDefined-By: Nacelle\nDocumentation: man:nacelled(8)\n\n%s\n", id, subject, text
}
BEGIN { FS = "\""; print "# What nacelled writes into the journal. Made from its tables." }
/^DENIAL\(/ { entry($6, "A refusal by the layer " $2 ": @NACELLE_VERDICT@", $8) }
/^EVENT\(/ { entry($4, $6, $8) }
