package engine

import "reflect"

// Beside returns the T that its caller keeps beside e: one for each engine, made when
// it is first asked for, and there as long as e is, over reloads. T is a type of the
// caller's own, so that nobody else has it.
func Beside[T any](e *Engine, made func() *T) *T {
	of := reflect.TypeFor[T]()
	if v, ok := e.beside.Load(of); ok {
		return v.(*T)
	}
	v, _ := e.beside.LoadOrStore(of, made())
	return v.(*T)
}
