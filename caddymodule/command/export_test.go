package command

// TimeFlag is what a request says of a flag like --since 2h.
var TimeFlag = timeFlag
