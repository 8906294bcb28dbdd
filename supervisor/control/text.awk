# A file becomes a string of C: awk -v name=NAME -f text.awk FILE
BEGIN { printf "extern const char %s[];\nconst char %s[] =\n", name, name }
{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "        \"%s\\n\"\n", $0 }
END { print "        \"\";" }
