package dialect

import (
	"cmp"
	"net/http"

	"github.com/sidehook/sidehook/caddymodule/answer"
	"github.com/sidehook/sidehook/caddymodule/format"
	"github.com/sidehook/sidehook/caddymodule/problem"
	"github.com/sidehook/sidehook/rules/lang"
	"github.com/sidehook/sidehook/rules/mapping"
)

// reply answers with what our API answered.
func (c *call) reply(to *compiledRoute, got result) error {
	if got.ETag != "" {
		c.w.Header().Set("ETag", got.ETag)
	}
	status := cmp.Or(to.status, got.Status, http.StatusOK)
	switch {
	case to.status == 0 && got.Body == nil:
		status = http.StatusNoContent
		fallthrough
	case to.status != 0 && to.reply == nil:
		c.w.WriteHeader(status)
		return nil
	case to.status == 0:
		return c.wrap(status, got.value)
	}
	body, err := mapped(to.reply, &c.vars)
	if err != nil {
		return err
	}
	return c.wrap(status, body)
}

// wrap answers with body in the dialect's envelope.
func (c *call) wrap(status int, body any) (err error) {
	if c.d.envelope != nil {
		c.vars.result, c.vars.value = "reply", map[string]any{"status": int64(status), "body": body}
		if body, err = mapped(c.d.envelope, &c.vars); err != nil {
			return err
		}
	}
	return c.write(status, body)
}

// refuse answers with what is wrong.
func (c *call) refuse(p *problem.Details) {
	if c.d.failure == nil && c.format == format.JSON {
		answer.Problem(c.w, p)
		return
	}
	answer.ProblemHeader(c.w, p)
	value, err := languageOf(p)
	if err == nil && c.d.failure != nil {
		c.vars.result, c.vars.value = "error", value
		value, err = mapped(c.d.failure, &c.vars)
	}
	if err == nil {
		err = c.write(p.Status, value)
	}
	if err != nil {
		answer.Problem(c.w, p)
	}
}

// mapped returns what m comes to.
func mapped(m *mapping.Mapping, v *vars) (any, error) {
	text, err := m.JSON(v)
	if err != nil {
		return nil, err
	}
	return lang.Decode(text)
}

func (c *call) write(status int, v any) error {
	text, err := format.Encode(c.format, v)
	if err != nil {
		return err
	}
	answer.Header(c.w, c.format.ContentType())
	c.w.WriteHeader(status)
	_, _ = c.w.Write(text) // the client has gone, or not: nothing is to be done
	return nil
}
