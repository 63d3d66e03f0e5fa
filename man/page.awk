# Makes a manual page: a line `.\" include NAME` stands for man/inc/NAME.
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
