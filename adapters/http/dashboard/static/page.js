// Shows times relative and in the zone of the reader, and says whether the page is live. Without this script the page works, with times
// in UTC and as it was when it was loaded.
(() => {
	'use strict';
	const body = document.body;
	const view = document.getElementById('view');
	const state = document.getElementById('live-state');
	const text = document.getElementById('live-text');
	const age = document.getElementById('live-age');
	const away = document.getElementById('away');

	// The clock of the farm decides, whatever the clock of this machine says.
	let offset = body.dataset.now ? Date.parse(body.dataset.now) - Date.now() : 0;
	const now = () => Date.now() + offset;

	const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });

	function span(milliseconds) {
		const s = Math.max(0, Math.floor(milliseconds / 1000));
		if (s < 60) return `${s} s`;
		if (s < 600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${s % 60} s` : ''}`;
		if (s < 3600) return `${Math.floor(s / 60)} min`;
		if (s < 172800) return `${Math.floor(s / 3600)} h${s % 3600 >= 60 ? ` ${Math.floor(s % 3600 / 60)} min` : ''}`;
		return `${Math.floor(s / 86400)} d`;
	}

	function shown(element) {
		const distance = Date.parse(element.dateTime) - now();
		if (element.dataset.show === 'ago') return distance > 1000 ? `in ${span(distance)}` : `${span(-distance)} ago`;
		return span(Math.abs(distance));
	}

	function showTimes() {
		for (const element of document.querySelectorAll('time[data-show]')) {
			const relative = shown(element);
			if (element.textContent !== relative) element.textContent = relative;
			const absolute = full.format(new Date(element.dateTime));
			if (element.title !== absolute) element.title = absolute;
		}
	}
	showTimes();

	const retry = document.getElementById('retry');
	if (retry) {
		const again = async () => {
			try {
				const answer = await fetch(location.href, { redirect: 'manual' });
				if (answer.status < 500) { location.reload(); return; }
			} catch { /* the server is away, too */ }
			setTimeout(again, retry.dataset.retry * 1000);
		};
		setTimeout(again, retry.dataset.retry * 1000);
	}

	if (!state) {
		setInterval(showTimes, 1000);
		return;
	}

	// Until when the page is up to date, and when the stream was last heard of.
	let fresh = Date.parse(age.querySelector('time').dateTime);
	let heard = Date.now();
	const silence = 20000;
	let reason = '';

	// Only the words are a status: a screen reader does not read the seconds.
	function say(name, words, seconds) {
		if (state.dataset.state !== name) state.dataset.state = name;
		if (text.textContent !== words) text.textContent = words;
		if (age.textContent !== seconds) age.textContent = seconds;
		view.classList.toggle('stale', name === 'lost');
		away.hidden = !reason;
		if (away.textContent !== reason) away.textContent = reason;
	}

	function tell() {
		const old = now() - fresh;
		if (reason || lost || Date.now() - heard > silence) say('lost', 'Not live.', `As of ${span(old)} ago`);
		else if (!connected) say('off', '', `As of ${span(old)} ago`);
		else say('on', 'Live', old < 5000 ? '' : `as of ${span(old)} ago`);
	}
	let connected = false;
	let lost = false;

	view.addEventListener('htmx:sse:after:connection', () => { heard = Date.now(); });
	view.addEventListener('fresh', event => {
		const at = Date.parse(event.detail.data);
		connected = true;
		lost = false;
		reason = '';
		heard = Date.now();
		fresh = at;
		tell();
	});
	view.addEventListener('away', event => {
		connected = true;
		lost = false;
		heard = Date.now();
		reason = event.detail.data;
		tell();
	});
	const broken = status => {
		lost = true;
		tell();
		if (status === 401 || status === 403) location.reload();
	};
	view.addEventListener('htmx:sse:error', event => broken(event.detail.status));
	view.addEventListener('htmx:sse:close', () => { broken(); });
	document.addEventListener('htmx:response:error', event => broken(event.detail.ctx && event.detail.ctx.response && event.detail.ctx.response.status));
	document.addEventListener('htmx:error', () => broken());

	// htmx reconnects a stream that broke off, but not one that never began.
	setInterval(() => {
		if (!view._htmx || view._htmx.sse || document.hidden) return;
		htmx.trigger(view, 'reconnect');
	}, 3000);

	// Changed rows show their times before the browser paints them.
	new MutationObserver(showTimes).observe(view, { childList: true, subtree: true, characterData: true });
	setInterval(() => { showTimes(); tell(); }, 1000);
})();
