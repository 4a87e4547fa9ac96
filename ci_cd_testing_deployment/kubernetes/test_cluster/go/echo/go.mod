module fraudstream/echo

go 1.25.0
