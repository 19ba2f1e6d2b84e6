package main

func compare(s settings, dir string, out *bars) error   { return nil }
func isolation(s settings, dir string, out *bars) error { return nil }
