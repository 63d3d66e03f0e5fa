# Makes a manual page: a line `.\" include NAME` stands for man/inc/NAME, a line `.\" tools`
# for a list of all tools with what their own pages say under NAME.
function list_tools(   command, page, line, name) {
	command = "ls man/cdp-*.1"
	while ((command | getline page) > 0) {
		name = page
		gsub(/man\/|\.1$/, "", name)
		while ((getline line < page) > 0)
			if (sub(/^\.Nd /, "", line))
				print ".It Xr " name " 1\n" line
		close(page)
	}
	close(command)
}
/^\.\\" tools$/ {
	list_tools()
	next
}
/^\.\\" include / {
	file = "man/inc/" $3
	while ((status = (getline line < file)) > 0)
		print line
	if (status < 0) {
		print FILENAME ": " FNR ": no " file > "/dev/stderr"
		exit 1
	}
	close(file)
	next
}
{ print }
