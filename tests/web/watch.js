// Runs in each document before the page's own scripts, and reports what a page must not do.
(() => {
  const report = (fault) => window.reelworksReport(fault);
  document.addEventListener('securitypolicyviolation', (event) =>
    report({ kind: 'policy', text: `${event.violatedDirective} blocks ${event.blockedURI || 'inline'} (${event.sourceFile}:${event.lineNumber})` }),
  );
  const named = (node) => {
    const element = node?.nodeType === 1 ? node : node?.parentElement;
    return element ? `${element.tagName.toLowerCase()}.${element.className?.baseVal ?? element.className}` : 'a node that is gone';
  };
  const place = ({ x, y, width, height }) => `${Math.round(x)},${Math.round(y)} ${Math.round(width)}×${Math.round(height)}`;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // The platform's own rule: a move within half a second of a press is no surprise.
      if (entry.hadRecentInput) continue;
      const moved = entry.sources.map((each) => `${named(each.node)} from ${place(each.previousRect)} to ${place(each.currentRect)}`);
      report({ kind: 'shift', amount: entry.value, at: entry.startTime / 1000, text: `${entry.value.toFixed(4)} at ${location.hash}: ${moved.join('; ')}` });
    }
  }).observe({ type: 'layout-shift', buffered: true });
})();
