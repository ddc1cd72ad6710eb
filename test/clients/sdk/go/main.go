package main

import (
	"os"
	"strconv"
	"time"

	"github.com/segmentio/analytics-go/v3"
)

func main() {
	events, _ := strconv.Atoi(os.Getenv("MILLRACE_EVENTS"))
	user := os.Getenv("MILLRACE_USER")
	userID, _ := strconv.Atoi(user)

	client, err := analytics.NewWithConfig(os.Getenv("MILLRACE_KEY"), analytics.Config{Endpoint: os.Getenv("MILLRACE_URL")})
	if err != nil {
		panic(err)
	}
	for n := range events {
		properties := analytics.NewProperties().Set("user_id", userID).Set("app_name", "sdk").
			Set("event_action", "click").Set("event_category", "test").Set("event_value", n)
		client.Enqueue(analytics.Track{UserId: user, Event: "app_action", Properties: properties})
	}
	wait, _ := strconv.Atoi(os.Getenv("MILLRACE_SECONDS"))
	time.Sleep(time.Duration(wait) * time.Second)
	client.Close()
}
