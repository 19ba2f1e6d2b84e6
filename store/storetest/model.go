package storetest

var modelCases []storeCase
