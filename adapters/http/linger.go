package http

import (
	"net"
	"time"
)

// lingerPause is how long a client may pause that is still sending what the server does not want.
const lingerPause = time.Second

// linger tells a client that nothing more comes, and reads on until the client has closed the connection or pauses, or the
// time is over. A connection that is closed with bytes of the client unread is reset, and then the client may lose the
// answer that it was sent.
func linger(conn net.Conn, end time.Time) {
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // if it fails, so does what comes next
	}
	buffer := make([]byte, 16<<10)
	for now := time.Now(); now.Before(end); now = time.Now() {
		pause := now.Add(lingerPause)
		if pause.After(end) {
			pause = end
		}
		if conn.SetReadDeadline(pause) != nil {
			return
		}
		if _, err := conn.Read(buffer); err != nil {
			return
		}
	}
}
