step lock take_lock '{"owner": "kim", "host": "laptop", "pid": 4711, "since": "2026-11-23T12:00:00Z", "what": "deploy 20261123-120000-0000003"}' 15
step receive receive
step build build 1800 trading-app-production:20261123-120000-0000003 /srv/trading-app/production/releases/20261123-120000-0000003/Dockerfile
step migrate migrate 20261123-120000-0000003 600 web python main.py migrate
step start start_release 20261123-120000-0000003 web
step ready wait_ready 20261123-120000-0000003 web:60:8000:/health
step switch switch 20261123-120000-0000003 8000
step verify verify 20261123-120000-0000003 15 'http://127.0.0.1:80/health#[1-3]'
step current point_current 20261123-120000-0000003
step record record 20261123-120000-0000003 '{"build_hash": "build-0000003", "config_hash": "config", "created_at": "2026-11-23T11:00:00Z", "created_by": "kim", "id": "20261123-120000-0000003", "image": "", "image_id": "", "migration_hash": "", "passwords": "", "public": "", "reason": "", "secret_variables": {}, "services": {}, "state": "good", "stores": [], "tests": "none", "timings": {}, "version": {"commit": "0000003000000300000030000003000000300000", "is_dirty": false, "ref": "HEAD", "subject": "one more change", "tree": "tree-0000003"}, "was": ""}'
step retire retire 20261123-100000-0000002 30 web
step unlock release_lock
