/** Gives the farm two accounts of the shop. A farm of a team has them already. */
export default async function (): Promise<void> {
  for (const login of ['ann', 'bob']) {
    const answer = await fetch('http://127.0.0.1:8764/v1/users', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        login, password: `password of ${login}`, labels: { role: 'buyer' },
        project_id: '5f2b6c1e-8d3a-4b7f-9c61-2a4e8f0d7b39', env: 'stage', domain: 'shop',
      }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }
}
