// Command call subscribes through the generated client, and waits for a webhook.
//
//	go run ./call BASE-URL
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/sidehook/sidehook/internal/openapi/client/sidehook"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := call(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "call:", err)
		os.Exit(1)
	}
}

func call(ctx context.Context, base string) error {
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("webhook-id") }))
	defer receiver.Close()
	c, err := sidehook.NewClientWithResponses(base)
	if err != nil {
		return err
	}
	made, err := c.CreateSubscriptionWithResponse(ctx, nil, sidehook.NewSubscription{Url: receiver.URL, Scopes: []string{"project.**"}})
	if err != nil || made.JSON201 == nil {
		return fmt.Errorf("subscribe: %v, %s", err, made.Body)
	}
	id := made.JSON201.Id
	refused, err := c.CreateSubscriptionWithResponse(ctx, nil, sidehook.NewSubscription{Url: receiver.URL, Scopes: []string{"projet.**"}})
	if err != nil || refused.ApplicationproblemJSON422 == nil {
		return fmt.Errorf("subscribe to what there is not: %v, %s", err, refused.Body)
	}
	types, err := c.ListEventTypesWithResponse(ctx, nil)
	if err != nil || types.JSON200 == nil || len(types.JSON200.Data) == 0 {
		return fmt.Errorf("list event types: %v, %s", err, types.Body)
	}
	sent, err := c.TestSubscriptionWithResponse(ctx, id, nil, sidehook.Test{EventType: &types.JSON200.Data[0].Scope})
	if err != nil || sent.JSON202 == nil {
		return fmt.Errorf("send an example: %v, %s", err, sent.Body)
	}
	select {
	case event := <-got:
		if event != sent.JSON202.Event {
			return fmt.Errorf("webhook %s came, not %s", event, sent.JSON202.Event)
		}
	case <-ctx.Done():
		return fmt.Errorf("no webhook came: %w", ctx.Err())
	}
	gone, err := c.DeleteSubscriptionWithResponse(ctx, id, nil)
	if err != nil || gone.StatusCode() != http.StatusNoContent {
		return fmt.Errorf("delete: %v, %s", err, gone.Body)
	}
	return nil
}
